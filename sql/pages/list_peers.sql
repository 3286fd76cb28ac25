-- A row is a key indicator or KPI of $keys, a JSON list of name and dimensions, with the current values of the missions that are
-- active: minimum, median, maximum, and each value by mission, in ascending order.
with keys as (
    select unnest(from_json($keys::json, '[{"place": "INTEGER", "name": "VARCHAR", "dimensions": "MAP(VARCHAR, VARCHAR)"}]'), recursive := true)
),
current_values as (
    select indicator as name, mission, dimensions, value, status
    from latest
    union all
    select kpi, mission, dimensions, value, 'A'
    from kpi_latest
),
named as (
    select indicator as name, title, unit, better
    from indicators
    union all
    select kpi, title, unit, better
    from kpis
)
select
    k.place, k.name, k.dimensions, any_value(n.title) as title, any_value(n.unit) as unit, any_value(n.better) as better,
    min(v.value) as minimum, median(v.value) as median, max(v.value) as maximum,
    list({'mission': v.mission, 'value': v.value, 'status': v.status} order by v.value, v.mission) as missions
from keys as k
join current_values as v using (name, dimensions)
join named as n using (name)
join store.current_missions as m using (mission)
where m.status = 'active' and v.value is not null
group by k.place, k.name, k.dimensions
order by k.place
