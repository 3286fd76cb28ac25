-- A row is a feed with events: its kinds (the most frequent first), states, missions and years, for the filters of the page; the feed
-- with the most events first.
with kinds as (
    select feed, kind, count(*) as events
    from events
    where occurred_on <= as_of_date()
    group by all
),
ordered as (
    select feed, list(kind order by events desc, kind) as kinds, sum(events) as events
    from kinds
    group by feed
),
others as (
    select
        feed, list(distinct state order by state) as states, list(distinct mission order by mission) as missions,
        min(year(occurred_on)) as first_year, max(year(occurred_on)) as last_year
    from events
    where occurred_on <= as_of_date()
    group by feed
)
select feed, o.kinds, r.states, r.missions, r.first_year, r.last_year
from ordered as o
join others as r using (feed)
order by o.events desc, feed
