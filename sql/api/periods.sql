-- A row is an ended period with observations, newest first.
with counted as (
    select period_start, period_end, sum(observation_count)::bigint as observations
    from store.given_reports
    where period_end <= as_of_date()
    group by period_start, period_end
)
select
    name_period(c.cycle, o.period_start, o.period_end) as period, c.cycle, o.period_start, o.period_end, o.observations,
    format('{:07d}|{}', date '9999-12-31' - o.period_end, o.period_start) as key
from counted as o
left join cycles as c using (period_start, period_end)
