-- Values within 10 % of a threshold, but not in breach
select t.metric, k.mission, round(k.value, 3) as value, t.comparison, t.limit_value
from thresholds as t
join kpis using (metric)
join kpi_latest as k on k.kpi = kpis.kpi and t.mission in ('*', k.mission)
where abs(k.value - t.limit_value) <= 0.1 * t.limit_value
    and not if(t.comparison = 'above', k.value > t.limit_value, k.value < t.limit_value)
order by t.metric, k.mission;
