-- A row is a current value of $mission that is within 10 % of a limit and does not breach it. Limits of 0 and booleans have no
-- such range.
with named as (
    select indicator as name, title, priority, unit, metric, 'indicator' as kind
    from indicators
    union all
    select kpi, title, priority, unit, metric, 'kpi'
    from kpis
),
current_values as (
    select 'indicator' as kind, indicator as name, dimensions, value
    from latest
    where mission = $mission and value is not null
    union all
    select 'kpi', kpi, dimensions, value
    from kpi_latest
    where mission = $mission and value is not null
),
shown as materialized (
    select n.*, $mission as mission, v.dimensions, v.value
    from current_values as v
    join named as n using (kind, name)
    where n.unit <> 'boolean' and n.metric in (select metric from thresholds)
),
governing as (
    select metric, dimensions, comparison, severity, limit_value
    from governing_thresholds('thresholds', 'shown')
)
select s.name, s.title, s.priority, s.unit, s.dimensions, s.value, g.comparison, g.severity, g.limit_value
from shown as s
join governing as g using (metric, dimensions)
where g.limit_value <> 0
    and if(g.comparison = 'above', s.value <= g.limit_value, s.value >= g.limit_value)
    and abs(s.value - g.limit_value) <= 0.1 * abs(g.limit_value)
order by s.name, s.dimensions::varchar, g.limit_value
