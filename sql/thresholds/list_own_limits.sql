-- A row is a mission whose own threshold applies instead of one for every mission; of one metric if $metric is not null.
select metric, threshold_dimensions, comparison, severity, mission, dimensions, is_own, limit_value as "limit"
from store.threshold_exclusions
where $metric is null or metric = $metric
order by metric, mission, dimensions::varchar
