-- The one row is the newest cycle with values, null if there is none, with the missions that reported values for it.
-- Counts of events are not reports. The period is found before the missions, for which only its observations are read.
with newest as (
    select c.cycle, c.period_start, c.period_end
    from (
        select distinct period_start, period_end
        from store.observations
        where value is not null and recorded_at <= known_at_time() and period_end <= as_of_date()
            and series_id not in (select series_id from store.counted_series)
    )
    join store.cycle_calendar as c using (period_start, period_end)
    order by c.cycle desc
    limit 1
),
reported as (
    select distinct s.mission
    from store.series as s
    where s.series_id in (
        select o.series_id
        from store.observations as o
        join newest using (period_start, period_end)
        where o.value is not null and o.recorded_at <= known_at_time()
            and o.series_id not in (select series_id from store.counted_series)
    )
)
select
    (select cycle from newest) as cycle, (select period_start from newest) as period_start,
    (select period_end from newest) as period_end,
    count(*) filter (where mission in (select mission from missions where status = 'active')) as missions,
    (
        select count(*)
        from missions
        where status = 'active' and is_open_on(status, opened_on, closed_on, as_of_date())
    ) as open_missions
from reported
