-- A row is a threshold that governs a series of a KPI.
with shown as (
    select distinct k.metric, v.mission, v.dimensions
    from kpi_values as v
    join kpis as k using (kpi)
    where v.kpi = $kpi and ($mission is null or v.mission = $mission)
)
select name_series(mission, dimensions) as series, comparison, limit_value as value
from governing_thresholds(thresholds, shown)
order by all
