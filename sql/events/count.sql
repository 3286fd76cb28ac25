-- A row of event_counts counts the rows of the export.
create or replace temp table event_counts as
with changes as (
    select
        count(*) filter (change = 'new') as new_events,
        count(*) filter (change = 'changed') as changed_events,
        count(*) filter (change in ('unchanged', 'confirmed')) as unchanged_events,
        count(*) filter (change = 'confirmed') as confirmed_events,
        count(*) filter (change = 'older') as older_events,
        count(*) filter (change = 'conflict') as conflicts,
        count(*) filter (change <> 'unchanged') as stored_events
    from event_changes
),
staged as (
    select
        count(*) filter (left_out is not null) as left_out_rows,
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

-- A row of withdrawn_events is an event to withdraw, in a feed whose exports are complete: its newest row, this load included, is
-- older than the newest export.
create or replace temp table withdrawn_events as
with exports as (
    select max(exported_at) as newest
    from (
        select exported_at from store.event_batches where feed = $feed
        union all
        select exported_at from event_counts
    )
),
after_load as (
    select event_id, state, updated_at, precedence
    from store.events
    where feed = $feed
    union all
    select event_id, 'read', updated_at, precedence
    from event_changes
    where change <> 'unchanged'
),
latest as (
    select
        event_id, max(updated_at) as updated_at,
        arg_max(state, store.event_order(updated_at, precedence)) as state
    from after_load
    where $withdraws_missing
    group by event_id
)
select l.event_id, e.newest as updated_at
from latest as l
cross join exports as e
where l.updated_at < e.newest and l.state <> 'withdrawn'
