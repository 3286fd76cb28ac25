-- Fills cache.largest_changes of a copy, which is the current database, for the indicators and missions of copied_series.
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

drop table copied_groups;
