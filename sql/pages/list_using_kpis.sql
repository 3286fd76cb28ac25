-- A row is a KPI that reads an indicator.
select kpi, title
from store.kpis
where kpi in (select kpi from kpis) and list_contains(inputs, $indicator)
group by all
order by kpi
