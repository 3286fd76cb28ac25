-- A row of staged_series is one series of the staged files as it is written, with its series in the warehouse, if any.
create or replace temp table staged_series as
with named as (
    select distinct indicator, mission, dimensions as written_dimensions
    from staged
),
-- The order of dimensions does not matter.
ordered as (
    select *, map_from_entries(list_sort(map_entries(written_dimensions))) as dimensions
    from named
)
select
    (row_number() over ())::integer as staged_series_id,
    o.indicator, o.mission, o.written_dimensions, o.dimensions, s.series_id
from ordered as o
left join store.series as s using (indicator, mission, dimensions);
