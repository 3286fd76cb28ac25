-- Fills cache.kpi_values of a copy, which is the current database: they are few, and computed as a whole.
delete from cache.kpi_values;

insert into cache.kpi_values by name
from store.computed_kpi_values
order by kpi, mission, as_of;
