-- A row is one of the first missions whose own threshold applies instead of one for every mission, of some metrics.
-- exclusion_count: all such thresholds.
select
    metric, threshold_dimensions, comparison, severity, mission, dimensions, is_own, limit_value as "limit",
    count(*) over (partition by metric, threshold_dimensions, comparison, severity) as exclusion_count
from store.threshold_exclusions
where list_contains($metrics::varchar[], metric)
qualify row_number() over (
    partition by metric, threshold_dimensions, comparison, severity order by mission, dimensions::varchar
) <= $max_exclusions
order by metric, mission, dimensions::varchar
