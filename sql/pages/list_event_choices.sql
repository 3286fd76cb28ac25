-- A row is a feed with events: its kinds, states, missions and years, for the filters of the page; the feed with the
-- most events first.
select
    feed, list(distinct kind order by kind) as kinds, list(distinct state order by state) as states,
    list(distinct mission order by mission) as missions, min(year(occurred_on)) as first_year, max(year(occurred_on)) as last_year
from events
where occurred_on <= as_of_date()
group by feed
order by count(*) desc, feed
