-- Evaluations per military unit, and missions below 0.5
select mission, round(value, 2) as evaluations_per_unit, value < 0.5 as below_half
from kpi_latest
where kpi = 'military_evaluation_coverage_ratio' and mission <> 'ALL'
order by evaluations_per_unit, mission;
