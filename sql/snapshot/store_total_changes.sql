-- Fills cache.total_changes of a copy, which is the current database, for the indicators and dimensions of copied_series.
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
