-- Append the events that are new or changed, with one batch, and what the load found.
create or replace temp table stored_events as
select
    $feed as feed, event_id, kind, occurred_on, mission, attributes, state, updated_at, precedence, change
from event_changes
where change <> 'unchanged';

-- A row of event_counts counts the rows of the export.
create or replace temp table event_counts as
with changes as (
    select
        count(*) filter (change = 'new') as new_events,
        count(*) filter (change = 'changed') as changed_events,
        count(*) filter (change in ('unchanged', 'confirmed')) as unchanged_events,
        count(*) filter (change = 'confirmed') as confirmed_events,
        count(*) filter (change = 'older') as older_events,
        count(*) filter (change = 'conflict') as conflicts
    from event_changes
),
staged as (
    select
        count(*) as row_count, count(*) filter (left_out is not null) as left_out_rows,
        max(updated_at) filter (left_out is null) as exported_at, count(distinct updated_at) filter (left_out is null) as export_times
    from staged_events
    anti join unreadable_cells using (file_row)
)
select
    c.*, s.left_out_rows, s.exported_at, s.export_times,
    (select count(*) from staged_events) as row_count,
    (select count(*) from duplicate_rows) as duplicate_rows,
    (select count(distinct file_row) from unreadable_cells) as unreadable_rows
from changes as c
cross join staged as s;
