-- Fills the other tables of a copy, which is the current database, as of the date of cache.latest. Changes are computed of the
-- indicators and missions, or dimensions, of copied_series; KPI values and breaches are few, and computed as a whole.
create or replace temp table copied_groups as
select distinct indicator, mission
from store.series
where series_id in (from copied_series);

delete from cache.largest_changes where (indicator, mission) in (from copied_groups);

insert into cache.largest_changes by name
with some_changes as not materialized (
    from store.stored_changes
    where (indicator, mission) in (from copied_groups)
)
from store.largest_changes_of(some_changes);

create or replace temp table copied_groups as
select distinct indicator, dimensions
from store.series
where series_id in (from copied_series);

delete from cache.total_changes where (indicator, dimensions) in (from copied_groups);

insert into cache.total_changes by name
-- By name first: comparing the dimensions of 1,000,000 series would take a second.
with some_values as not materialized (
    from store.stored_named
    where indicator in (select indicator from copied_groups) and (indicator, dimensions) in (from copied_groups)
),
some_changes as not materialized (
    from store.stored_changes
    where indicator in (select indicator from copied_groups) and (indicator, dimensions) in (from copied_groups)
)
from store.total_changes_of(some_changes, some_values);

drop table copied_groups;

drop table copied_series;

delete from cache.kpi_values;

insert into cache.kpi_values by name
from store.computed_kpi_values
order by kpi, mission, as_of;

delete from cache.kpi_comparisons;

insert into cache.kpi_comparisons by name
from store.computed_kpi_comparisons
order by kpi, mission, as_of;

delete from cache.breaches;

insert into cache.breaches by name
from store.computed_breaches;
