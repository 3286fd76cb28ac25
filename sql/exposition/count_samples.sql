-- A row is a metric of samples and the number of its samples, in the order of metrics.
select metric, count(*) as sample_count
from samples
group by metric
order by metric
