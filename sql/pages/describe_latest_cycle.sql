-- The one row is the newest cycle with reported values, null if there is none, with the missions that reported values for it.
-- Counts of events are not reports.
with reported as materialized (
    select g.mission, c.cycle, c.period_start, c.period_end
    from store.given_reports as g
    join store.cycle_calendar as c using (period_start, period_end)
    where g.state = 'reported' and not g.is_not_applicable and g.period_end <= as_of_date()
        and g.indicator not in (select indicator from store.current_indicators where counted_from is not null)
),
newest as (
    select max_by((cycle, period_start, period_end), cycle) as period
    from reported
)
select
    n.period[1] as cycle, n.period[2] as period_start, n.period[3] as period_end,
    (
        select count(distinct mission)
        from reported
        where cycle = n.period[1] and mission in (select mission from missions where status = 'active')
    ) as missions,
    (
        select count(*)
        from missions
        where status = 'active' and is_open_on(status, opened_on, closed_on, as_of_date())
    ) as open_missions
from newest as n
