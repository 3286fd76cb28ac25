-- Assign a series_id to each staged series that is not in the warehouse, and show the staged cells with it.
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
select n.staged_series_id, s.series_id
from staged_series as n
join store.series as s using (indicator, mission, dimensions);

-- Not a table: the join of numbers takes less time than writing all cells, and no memory.
create or replace temp view staged_observations as
select
    n.series_id, c.period_start, c.period_end, c.value, c.status, c.source, c.page, c.note, c.file_ordinal, c.file_row
from staged_cells as c
join numbered_series as n using (staged_series_id);
