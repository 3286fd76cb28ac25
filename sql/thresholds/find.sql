-- The one row is the current threshold with this metric, mission, dimensions, comparison and severity. No row if there is none.
select limit_value, note, set_by, strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M') as set_at
from thresholds
where metric = $metric
    and mission = $mission
    and dimensions = $dimensions::map(varchar, varchar)
    and comparison = $comparison
    and severity = $severity
