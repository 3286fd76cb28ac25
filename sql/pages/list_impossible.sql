-- A row is a current KPI value above the maximum of its KPI, with the observations it is computed from.
with impossible as (
    select v.kpi, v.mission, v.dimensions, v.as_of, v.value, k.maximum, k.title, k.unit
    from kpi_latest as v
    join kpis as k using (kpi)
    where v.value > k.maximum
),
observed as (
    select
        p.kpi, l.mission,
        list({
            'indicator': l.indicator, 'title': i.title, 'value': l.value, 'source': l.source, 'page': l.page,
            'period': name_period(y.cycle, l.period_start, l.period_end)
        } order by i.title) as inputs
    from latest as l
    join store.kpi_inputs as p using (indicator)
    join indicators as i using (indicator)
    left join cycles as y on y.period_start = l.period_start and y.period_end = l.period_end
    where (p.kpi, l.mission) in (select (kpi, mission) from impossible) and l.mission <> 'ALL'
    group by p.kpi, l.mission
)
select m.*, coalesce(o.inputs, []) as inputs
from impossible as m
left join observed as o on o.kpi = m.kpi and o.mission = m.mission
order by m.title, m.mission, m.dimensions::varchar
