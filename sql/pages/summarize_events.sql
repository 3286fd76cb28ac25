-- A row is the number of events of a mission and kind, with the days of the first and the last.
select mission, kind, count(*) as events, min(occurred_on) as first_day, max(occurred_on) as last_day
from events
where store.is_selected_event(
    feed, mission, kind, state, occurred_on, {
        'feed': $feed, 'mission': $mission, 'kind': $kind, 'state': $state, 'first_day': $first_day, 'last_day': $last_day
    }
)
group by all
order by all
