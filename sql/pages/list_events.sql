-- A row is an event, the newest first, with the number of its revisions, the kind that it had first, and the number of all such events.
with chosen as (
    select *, count(*) over () as event_count
    from events
    where store.is_selected_event(
        feed, mission, kind, state, occurred_on, {
            'feed': $feed, 'mission': $mission, 'kind': $kind, 'state': $state, 'first_day': $first_day, 'last_day': $last_day
        }
    )
    order by occurred_on desc, event_id
    limit $max_rows
    offset $skipped
),
revised as (
    select event_id, count(*) as revisions, arg_min(kind, updated_at) as first_kind
    from event_revisions
    where feed = $feed and recorded_at <= known_at_time() and event_id in (select event_id from chosen)
    group by event_id
)
select
    c.event_id, c.occurred_on, c.mission, c.kind, c.state, c.attributes, c.batch_id, c.event_count, r.revisions, r.first_kind
from chosen as c
join revised as r using (event_id)
order by c.occurred_on desc, c.event_id
