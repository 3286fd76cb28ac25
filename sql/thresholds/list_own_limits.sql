-- A row is a mission whose own limit applies in place of a threshold for every mission: of one metric where $metric names it.
select metric, threshold_dimensions, comparison, severity, mission, dimensions, is_own, limit_value
from store.threshold_exclusions
where $metric is null or metric = $metric
order by metric, mission, dimensions::varchar
