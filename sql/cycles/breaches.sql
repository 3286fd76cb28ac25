-- A row is a series that breaches a threshold on the last day of the cycle, with the priority of its metric and the period of its
-- value, which may be an earlier one. is_change: the value is the change of an indicator since its previous period.
with named as (
    select metric, priority, title, unit from indicators
    union all
    select metric, priority, title, unit from kpis
)
select
    coalesce(n.priority, t.priority) as priority, coalesce(n.title, 'Change in ' || t.title, b.metric) as title,
    coalesce(n.unit, t.unit, 'count') as unit, b.metric, n.title is null and t.title is not null as is_change, b.mission,
    array_to_string(
        map_values(map_from_entries(list_filter(map_entries(b.dimensions), lambda entry: entry.key <> 'indicator'))), ', '
    ) as part,
    b.value, name_period(y.cycle, coalesce(b.period_start, b.period_end), b.period_end) as period, b.comparison,
    b.limit_value as "limit", b.severity, b.note
from threshold_breaches as b
left join named as n using (metric)
left join indicators as t on t.indicator = b.dimensions['indicator']
-- The value of a KPI has a date instead of a period: the end of a cycle.
left join cycles as y on y.period_end = b.period_end and y.period_start = coalesce(b.period_start, y.period_start)
order by list_position(['critical', 'warning', 'info'], b.severity), title, b.mission, part
