-- A row is a KPI value that is valid on the last day of a cycle, with the one valid on the day before the cycle began.
with known as (
    select *
    from store.current_kpi_values
    where as_of <= $period_end
),
-- A row without a value ends the earlier value, so the newest row is used in any case.
holding as (
    select *
    from known
    qualify row_number() over (partition by kpi, mission, dimensions order by as_of desc) = 1
),
before as (
    select *
    from known
    where as_of < $period_start
    qualify row_number() over (partition by kpi, mission, dimensions order by as_of desc) = 1
)
select
    k.priority, k.kpi, k.title, k.description, k.unit, k.better, k.maximum, k.metric, h.mission, array_to_string(map_values(h.dimensions), ', ') as part,
    'as of ' || strftime(h.as_of, '%-d %b %Y') as period, h.as_of = $period_end as is_cycle, h.value,
    'as of ' || strftime(b.as_of, '%-d %b %Y') as previous_period, b.value as previous_value,
    c.change, name_base(h.missions_used, h.missions_expected) as base,
    if(c.is_restricted, name_base(c.missions_used, c.missions_expected), null) as change_base
from holding as h
join kpis as k using (kpi)
left join before as b on (b.kpi, b.mission, b.dimensions) = (h.kpi, h.mission, h.dimensions) and h.as_of >= $period_start
left join store.compared_kpi_values as c
    on (c.kpi, c.mission, c.dimensions, c.as_of) = (h.kpi, h.mission, h.dimensions, h.as_of) and c.previous_as_of = b.as_of
join store.current_missions as m on m.mission = h.mission
where h.value is not null and k.priority <> 'all'
order by k.kpi, part, m.ordinal
