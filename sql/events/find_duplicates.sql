-- A row of duplicate_rows is a row of the export that is not used because another row (used_row) is of the same event: the one that
-- was updated last or, if both were updated at the same time, the one whose content sorts last.
create or replace temp table duplicate_rows as
with repeated as materialized (
    select event_id
    from staged_events
    anti join unreadable_cells using (file_row)
    where left_out is null
    group by event_id
    having count(*) > 1
),
readable as (
    select *
    from staged_content
    semi join repeated using (event_id)
    anti join unreadable_cells using (file_row)
    where left_out is null
),
ranked as (
    select
        file_row, event_id,
        row_number() over latest as rank,
        first(file_row) over latest as used_row,
        {'kind': kind, 'occurred_on': occurred_on, 'mission': mission, 'state': state, 'attributes': attributes}
            = first({'kind': kind, 'occurred_on': occurred_on, 'mission': mission, 'state': state, 'attributes': attributes}) over latest
            as is_same
    from readable
    window latest as (
        partition by event_id
        order by updated_at desc, store.event_content(kind, occurred_on, mission, state, attributes) desc, file_row
    )
)
select file_row, event_id, used_row, is_same
from ranked
where rank > 1
