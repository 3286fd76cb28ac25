-- The one row is the current threshold with this metric, mission, dimensions, comparison and severity. No row if there is none.
-- `revision` changes each time it is set.
select
    limit_value, note, set_by, strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M') as set_at,
    write_rfc3339(recorded_at) as recorded_at, strftime(recorded_at at time zone 'UTC', '%Y%m%dT%H%M%S%f') as revision
from thresholds
where metric = $metric
    and mission = $mission
    and dimensions = $dimensions::map(varchar, varchar)
    and comparison = $comparison
    and severity = $severity
