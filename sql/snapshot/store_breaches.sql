-- Fills cache.breaches of a copy, which is the current database, as of the date of cache.latest, from cache.kpi_values.
delete from cache.breaches;

insert into cache.breaches by name
from store.computed_breaches;
