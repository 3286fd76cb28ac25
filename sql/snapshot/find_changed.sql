-- The one row describes the observations of the series that the cache does not include.
create or replace temp table changed_series as
from store.changed_series;

select
    count(*), min(series_id), max(series_id),
    (select count(*) from store.observations where series_id in (from changed_series))
from changed_series
