-- Add to stored_events the withdrawals of a feed whose exports are complete: events whose newest row is older than the newest export.
insert into stored_events by name
with exports as (
    select max(exported_at) as newest
    from (
        select exported_at from store.event_batches where feed = $feed
        union all
        select exported_at from event_counts
    )
),
after_load as (
    select event_id, kind, occurred_on, mission, attributes, state, updated_at, precedence
    from store.events
    where feed = $feed
    union all
    select event_id, kind, occurred_on, mission, attributes, state, updated_at, precedence
    from stored_events
),
newest as (
    select *
    from after_load
    qualify store.event_order(updated_at, precedence) = max(store.event_order(updated_at, precedence)) over (partition by event_id)
)
select
    $feed as feed, n.event_id, n.kind, n.occurred_on, n.mission, n.attributes, 'withdrawn' as state, e.newest as updated_at,
    -100 as precedence, 'withdrawn' as change
from newest as n
cross join exports as e
where n.updated_at < e.newest and n.state <> 'withdrawn'
