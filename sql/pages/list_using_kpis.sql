-- A row is a KPI that reads an indicator.
select kpi, title
from kpis
join store.kpi_inputs using (kpi)
where indicator = $indicator
order by kpi
