-- A row of recorded_cells is a staged cell that the warehouse has already, and whether the staged row leaves it unchanged.
-- is_removal: a status that says that there is no value replaces a value.
create or replace temp table recorded_cells as
with compared as (
    select
        s.series_id, s.period_start, s.period_end,
        arg_max(
            o.value is not distinct from s.value and o.status = s.status and o.source = s.source
            and o.page is not distinct from s.page and o.note is not distinct from s.note,
            o.batch_id
        ) as is_current,
        bool_or(
            o.value is not distinct from s.value and o.status = s.status and o.source = s.source
            and o.page is not distinct from s.page and o.note is not distinct from s.note
        ) as was_recorded,
        arg_max(o.value is not null and s.status in ('O', 'L', 'M'), o.batch_id) as removes
    from staged_observations as s
    join store.observations as o using (series_id, period_start, period_end)
    group by all
)
select
    series_id, period_start, period_end,
    -- The shipped report never reverts a later correction.
    is_current or ($is_shipped and was_recorded) as is_unchanged,
    removes and not is_unchanged as is_removal
from compared;
