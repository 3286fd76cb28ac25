-- A row of event_changes is an event of the export, and what storing it does. previous is the recorded content of a changed event.
create or replace temp table event_changes as
with recorded as (
    select *
    from store.event_states_known_at('store.events', 'infinity'::timestamptz)
    where feed = $feed
),
unused as (
    select file_row from unreadable_cells
    union
    select file_row from duplicate_rows
),
read_events as (
    select file_row, event_id, updated_at
    from staged_events
    anti join unused using (file_row)
    where left_out is null
),
compared as (
    select
        s.file_row, s.event_id, s.updated_at,
        r.kind = s.kind and r.occurred_on = s.occurred_on and r.mission = s.mission and r.state = s.state
            and r.attributes = s.attributes as is_same,
        s.updated_at > r.updated_at as is_later,
        s.updated_at = r.updated_at as is_tie,
        {
            'kind': r.kind, 'occurred_on': r.occurred_on, 'mission': r.mission, 'state': r.state, 'attributes': r.attributes
        } as content
    from staged_content as s
    join recorded as r using (event_id)
    semi join read_events using (file_row)
)
select file_row, event_id, updated_at, 'new' as change, 0 as precedence, null as previous
from read_events
anti join recorded using (event_id)
union all
select
    file_row, event_id, updated_at,
    case
        when is_same then if(is_later, 'confirmed', 'unchanged')
        when is_later then 'changed'
        when is_tie then 'conflict'
        else 'older'
    end,
    0,
    if(is_later and not is_same, content, null)
from compared;

-- A row of event_ties is an event whose row has the time of update of a recorded row: the precedence of the new row among them.
-- The newer definition of the feed wins, then the content that sorts last, so that the order of loads does not matter. A row
-- always wins over a withdrawal.
create or replace temp table event_ties as
with tied as (
    select *
    from event_changes
    where change in ('conflict', 'older')
),
ties as (
    select
        c.event_id, c.updated_at, store.event_content(s.kind, s.occurred_on, s.mission, s.state, s.attributes) as content,
        store.event_content(e.kind, e.occurred_on, e.mission, e.state, e.attributes) as recorded_content,
        e.precedence, e.state = 'withdrawn' as is_withdrawn, b.feed_version
    from tied as c
    join staged_content as s using (file_row)
    join store.events as e on e.feed = $feed and e.event_id = c.event_id and e.updated_at = c.updated_at
    join store.event_batches as b using (batch_id)
),
ranked as (
    select
        event_id, updated_at,
        bool_or(content = recorded_content) as is_recorded,
        max(precedence) as highest, min(precedence) filter (not is_withdrawn) as lowest,
        arg_max(is_withdrawn or (feed_version, recorded_content) < ($feed_version, content), precedence) as wins
    from ties
    group by event_id, updated_at
)
select event_id, is_recorded, wins, if(wins, greatest(highest + 1, 0), coalesce(lowest, 0) - 1) as precedence
from ranked;

update event_changes
set change = if(t.is_recorded, 'unchanged', change), precedence = t.precedence
from event_ties as t
where event_changes.event_id = t.event_id and change in ('conflict', 'older')
