-- The one row is the newest cycle with values, null if there is none, with the missions that reported values for it.
-- Counts of events are not reports.
with reported as (
    select c.cycle, c.period_start, c.period_end, s.mission
    from store.observations as o
    join store.series as s using (series_id)
    join store.cycle_calendar as c using (period_start, period_end)
    where o.value is not null and o.recorded_at <= known_at_time() and o.period_end <= as_of_date()
        and o.series_id not in (select series_id from store.counted_series)
    qualify c.cycle = max(c.cycle) over ()
)
select
    max(cycle) as cycle, max(period_start) as period_start, max(period_end) as period_end,
    count(distinct mission) filter (where mission in (select mission from missions where status = 'active')) as missions,
    (
        select count(*)
        from missions
        where status = 'active' and is_open_on(status, opened_on, closed_on, as_of_date())
    ) as open_missions
from reported
