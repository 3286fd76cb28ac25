-- A row is a row of a file to load.
select indicator, mission, dimensions, period_start, period_end, value, status, source, page, note
from bench_observations
join bench_series using (series_id)
