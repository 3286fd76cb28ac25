-- A row of event_changes is an event of the export, beside its recorded state, and what storing it does.
create or replace temp table event_changes as
with recorded as (
    select *
    from store.event_states_known_at('store.events', 'infinity'::timestamptz)
    where feed = $feed
),
read_events as (
    select *
    from staged_events
    anti join unreadable_cells using (file_row)
    anti join duplicate_rows using (file_row)
    where left_out is null
),
compared as (
    select
        s.file_row, s.event_id, s.kind, s.occurred_on, s.mission, s.attributes, s.state, s.updated_at,
        r.event_id is null as is_new,
        r.kind = s.kind and r.occurred_on = s.occurred_on and r.mission = s.mission and r.state = s.state
            and r.attributes = s.attributes as is_same,
        s.updated_at > r.updated_at as is_later,
        s.updated_at = r.updated_at as is_tie,
        r.kind as previous_kind, r.occurred_on as previous_occurred_on, r.mission as previous_mission, r.state as previous_state,
        r.attributes as previous_attributes
    from read_events as s
    left join recorded as r using (event_id)
)
select
    * exclude (is_new, is_same, is_later, is_tie, previous_kind, previous_occurred_on, previous_mission, previous_state, previous_attributes),
    case
        when is_new then 'new'
        when is_same then if(is_later, 'confirmed', 'unchanged')
        when is_later then 'changed'
        when is_tie then 'conflict'
        else 'older'
    end as change,
    0 as precedence,
    if(is_later and not is_same, {
        'kind': previous_kind, 'occurred_on': previous_occurred_on, 'mission': previous_mission, 'state': previous_state,
        'attributes': previous_attributes
    }, null) as previous
from compared;

-- A row of event_ties is an event whose row has the time of update of a recorded row: the precedence of the new row among them.
-- The newer definition of the feed wins, then the content that sorts last, so that the order of loads does not matter. A row
-- always wins over a withdrawal.
create or replace temp table event_ties as
with ties as (
    select
        c.event_id, c.updated_at, store.event_content(c.kind, c.occurred_on, c.mission, c.state, c.attributes) as content,
        store.event_content(e.kind, e.occurred_on, e.mission, e.state, e.attributes) as recorded_content,
        e.precedence, e.state = 'withdrawn' as is_withdrawn, b.feed_version
    from event_changes as c
    join store.events as e on e.feed = $feed and e.event_id = c.event_id and e.updated_at = c.updated_at
    join store.event_batches as b using (batch_id)
    where c.change in ('conflict', 'older')
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
