-- A row is a series that breaches a threshold on the last day of the cycle, with the priority of its metric.
with named as (
    select metric, priority, title, unit from indicators
    union all
    select metric, priority, title, unit from kpis
)
select
    n.priority, coalesce(n.title, b.metric) as title, coalesce(n.unit, 'count') as unit, b.mission,
    array_to_string(map_values(b.dimensions), ', ') as part, b.value, b.comparison, b.limit_value as "limit", b.severity, b.note
from threshold_breaches as b
left join named as n using (metric)
order by list_position(['critical', 'warning', 'info'], b.severity), title, b.mission, part
