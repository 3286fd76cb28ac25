-- The values of one KPI over events as of many dates (days): its query runs once for all of them, with `window_events` and
-- `open_missions` of each. No date has values before the first export, or after the last window that the exports cover.
insert into kpi_computed
with window_feed as materialized (
    from events
    where feed = $feed and event_id in (
        select e.event_id
        from store.events as e
        where e.feed = $feed and e.occurred_on > (select min(window_end) from covered_days) - $window_days
    )
)
select $kpi, mission, {dimensions}, as_of, value, null, null
from covered_days as d, lateral (
    with window_events as (
        select event_id, kind, occurred_on, mission, attributes, state, d.as_of as as_of
        from window_feed
        where occurred_on > d.window_end - $window_days and occurred_on <= d.window_end
    ),
    open_missions as (
        select mission, host_agreement, d.as_of as as_of
        from store.current_missions
        where mission <> 'ALL' and is_open_on(status, opened_on, closed_on, d.as_of)
            and not coalesce(d.as_of between interrupted_from and interrupted_until, false)
    )
    select {labels}, value
    from ({query})
    where value is not null
)
