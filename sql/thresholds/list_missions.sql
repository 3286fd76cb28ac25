-- The missions for which a metric has a value.
select distinct mission
from latest
join indicators using (indicator)
where metric = $metric
union
select distinct mission
from kpi_values
join kpis using (kpi)
where metric = $metric
