-- Threshold breaches by severity
select metric, mission, map_values(dimensions)[1] as part, round(value, 2) as value, comparison, limit_value, severity
from threshold_breaches
order by severity, metric, mission, part;
