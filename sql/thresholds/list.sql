-- A row is a current threshold, with the number of series that breach it.
with breaches as (
    select threshold_mission as mission, threshold_dimensions as dimensions, metric, comparison, severity, count(*) as breaches
    from threshold_breaches
    group by all
)
select
    t.metric, t.mission, t.dimensions, t.comparison, t.severity, t.limit_value, coalesce(b.breaches, 0) as breaches, t.note, t.set_by,
    strftime(t.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M') as set_at
from thresholds as t
left join breaches as b using (metric, mission, dimensions, comparison, severity)
where $metric is null or t.metric = $metric
order by t.metric, t.mission, t.dimensions::varchar, t.comparison, t.severity
