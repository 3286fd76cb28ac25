-- The missions for which a metric has series. Reads tables: `latest` and `kpi_values` would compute those of all indicators and KPIs.
select distinct mission
from store.series
where indicator in (select indicator from indicators where metric = $metric)
union
select distinct mission
from store.kpi_values
where kpi in (select kpi from kpis where metric = $metric)
