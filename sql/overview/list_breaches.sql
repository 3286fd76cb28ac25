-- A row is a value of an open mission, or of peacekeeping as a whole, that breaches a threshold. The breaches of one metric and
-- mission that differ only in their dimensions are one group. Groups are ordered by severity, then by the excess relative to the
-- limit; metric_place is the place of the group among those of its metric. peers and leads compare the missions in the same period.
with breached as materialized (
    select
        coalesce(i.indicator, k.kpi, t.indicator) as name, coalesce(i.title, k.title, 'Change in ' || t.title, b.metric) as title,
        coalesce(i.unit, k.unit, t.unit, '') as unit, coalesce(i.priority, k.priority, t.priority) as priority,
        i.indicator is null and k.kpi is null as is_change, b.metric, b.mission, m.ordinal,
        map_from_entries(list_filter(map_entries(b.dimensions), lambda entry: entry.key <> 'indicator')) as dimensions,
        b.comparison, b.severity, b.limit_value, b.value, b.excess, b.period_start, b.period_end, b.status,
        ['info', 'warning', 'critical'].list_position(b.severity) as severity_rank,
        if(b.limit_value = 0, 1e9, b.excess / abs(b.limit_value)) as relative_excess
    from threshold_breaches as b
    join store.current_missions as m using (mission)
    left join indicators as i using (metric)
    left join kpis as k using (metric)
    left join indicators as t on t.indicator = b.dimensions['indicator']
    where m.status <> 'closed'
),
current_values as materialized (
    select l.indicator as name, l.mission, l.dimensions, l.value, l.period_end, l.previous_value
    from store.latest_values as l
    where l.indicator in (select name from breached where not is_change)
    union all by name
    select kpi as name, mission, dimensions, value, as_of as period_end
    from kpi_latest
    where kpi in (select name from breached where not is_change)
),
compared as (
    select
        b.metric, b.mission, b.dimensions, count(p.value) as peers,
        count(*) filter (where if(b.comparison = 'above', p.value >= b.value, p.value <= b.value)) = 1 as leads
    from (select distinct metric, mission, dimensions, name, comparison, value, period_end from breached where mission <> 'ALL') as b
    join current_values as p
        on p.name = b.name and p.dimensions = b.dimensions and p.period_end = b.period_end and p.mission <> 'ALL'
    group by b.metric, b.mission, b.dimensions, b.comparison
),
-- Of several thresholds that a series breaches, the sentence is about the most severe one.
grouped as (
    select metric, mission, max(severity_rank) as severity_rank, max_by(relative_excess, (severity_rank, relative_excess)) as relative_excess
    from breached
    group by metric, mission
),
placed as (
    select
        *, row_number() over (order by severity_rank desc, relative_excess desc, metric, mission) as place,
        row_number() over (partition by metric order by severity_rank desc, relative_excess desc, mission) as metric_place
    from grouped
)
select
    b.* exclude (severity_rank, relative_excess), name_period(y.cycle, coalesce(b.period_start, b.period_end), b.period_end) as period, v.previous_value, coalesce(c.peers, 0) as peers,
    coalesce(c.leads, false) as leads, g.place, g.metric_place
from breached as b
join placed as g using (metric, mission)
left join current_values as v
    on v.name = b.name and v.mission = b.mission and v.dimensions = b.dimensions and not b.is_change and v.period_end = b.period_end
-- The value of a KPI has a date instead of a period: the end of a cycle.
left join cycles as y on y.period_end = b.period_end and y.period_start = coalesce(b.period_start, y.period_start)
left join compared as c on c.metric = b.metric and c.mission = b.mission and c.dimensions = b.dimensions
order by g.place, b.severity_rank desc, b.relative_excess desc, b.dimensions::varchar
