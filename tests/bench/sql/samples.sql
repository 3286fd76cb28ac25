-- A row is one series of an exposition: its metric, labels and value, in random order.
create or replace table samples as
select 'a4p_' || s.indicator as metric, map_concat(map {'mission': s.mission}, s.dimensions) as labels, o.value
from bench_observations as o
join bench_series as s using (series_id)
