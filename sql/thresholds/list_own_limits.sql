-- A row is a mission whose own threshold of a metric applies instead of one for every mission.
select metric, threshold_dimensions, comparison, severity, mission, dimensions, is_own, limit_value as "limit"
from store.threshold_exclusions
where metric = $metric
order by metric, mission, dimensions::varchar
