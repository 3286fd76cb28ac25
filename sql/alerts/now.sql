-- The one row is the current value and limit of the series of an alert. No row if the series has ended.
select value, limits[$comparison || ' ' || $severity] as limit_value, period_end::varchar as period_end
from alert_values
where metric = $metric and mission = $mission
    and list_has_all(map_entries($labels::map(varchar, varchar)), map_entries(dimensions))
