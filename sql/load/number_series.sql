-- Assign a series_id to each staged series that is not in the warehouse, and replace staged_series by (written name -> series_id).
insert into store.series
with unseen as (
    select distinct indicator, mission, dimensions
    from staged_series
    where series_id is null
)
select
    (select coalesce(max(series_id), 0) from store.series)
    + row_number() over (order by indicator, mission, dimensions::varchar),
    indicator, mission, dimensions
from unseen;

create or replace temp table numbered_series as
select n.indicator, n.mission, n.written_dimensions as dimensions, s.series_id
from staged_series as n
join store.series as s using (indicator, mission, dimensions);

create or replace temp table staged_observations as
select
    n.series_id, s.period_start, s.period_end, s.value, s.status, s.source, s.page, s.note, s.file_ordinal, s.file_row
from staged as s
join numbered_series as n using (indicator, mission, dimensions);
