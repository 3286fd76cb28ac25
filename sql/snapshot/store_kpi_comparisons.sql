-- Fills cache.kpi_comparisons of a copy, which is the current database, as of the date of cache.latest, from cache.kpi_values.
delete from cache.kpi_comparisons;

insert into cache.kpi_comparisons by name
from store.computed_kpi_comparisons
order by kpi, mission, as_of;
