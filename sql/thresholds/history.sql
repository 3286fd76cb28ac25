-- A row is a change of a threshold (set or removed), newest first.
select
    metric, mission, dimensions, comparison, severity, replaced_limit, limit_value, note, set_by,
    strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as set_at
from threshold_history
where $metric is null or metric = $metric
order by recorded_at desc
limit $last
