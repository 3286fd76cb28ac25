-- A row is the number of events of a kind in a year or, if $by_month, in a month.
with dated as (
    select kind, if($by_month, date_trunc('month', occurred_on), date_trunc('year', occurred_on))::date as period_start
    from events
    where store.is_selected_event(
        feed, mission, kind, state, occurred_on, {
            'feed': $feed, 'mission': $mission, 'kind': $kind, 'state': $state, 'first_day': $first_day, 'last_day': $last_day
        }
    )
)
select
    period_start, (period_start + if($by_month, interval 1 month, interval 1 year))::date as period_end, kind, count(*) as events
from dated
group by all
order by all
