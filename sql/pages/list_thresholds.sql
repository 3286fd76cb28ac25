-- A row is a current threshold of a metric.
select
    metric, mission, dimensions, comparison, severity, limit_value, note, set_by,
    strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M') as set_at
from thresholds
where metric = $metric
order by mission, dimensions::varchar, comparison, severity
