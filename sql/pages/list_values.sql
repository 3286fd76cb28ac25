-- A row is a series of an indicator or KPI with its current value, in the order of the catalogue. $one, $priority and $mission
-- select one indicator or KPI, priority or mission.
with named as (
    select
        'indicator' as kind, indicator as name, title, priority, unit, better, ordinal, expected_missions, dimensions as dimension_values
    from store.current_indicators
    union all by name
    select 'kpi' as kind, kpi as name, title, priority, unit, better, maximum, row_number() over (order by kpi) + 1e9 as ordinal
    from kpis
    where priority <> 'all'
),
observed as (
    select
        indicator as name, mission, dimensions, value, status, period_start, period_end, source, page, note, previous_value, change
    from store.latest_values
),
computed as (
    select
        l.kpi as name, l.mission, l.dimensions, l.value, 'A' as status, l.as_of as period_end, c.previous_value, c.change,
        name_base(l.missions_used, l.missions_expected) as base, if(c.is_restricted, name_base(c.missions_used, c.missions_expected), null) as change_base
    from kpi_latest as l
    left join store.compared_kpi_values as c
        on c.kpi = l.kpi and c.mission = l.mission and c.dimensions = l.dimensions and c.as_of = l.as_of and c.is_value_before
),
chosen as (
    select *
    from named
    where ($one is null or name = $one) and ($priority is null or priority = $priority)
),
listed as not materialized (
    select f.*
    from (
        select * from observed
        union all by name
        select * from computed
    ) as f
    left join store.current_missions as m on m.mission = f.mission
    where f.name in (select name from chosen)
        -- The ended series of closed missions are on their own pages only.
        and (f.mission = $mission or $mission is null and not (m.status = 'closed' and f.value is null and f.status = 'M'))
),
-- Sorting every series of a priority by its dimensions would take seconds. First, the indicators that the rows can be of.
begun as (
    select name
    from (
        select n.name, sum(count(*)) over (order by n.kind = 'kpi', n.ordinal) - count(*) as rows_before
        from listed as f
        join chosen as n using (name)
        group by n.name, n.kind, n.ordinal
    )
    where rows_before < $max_rows
),
-- Then, their dimensions in order.
placed as (
    select
        n.kind, n.ordinal, f.*, list_transform(map_keys(f.dimensions), lambda label: list_position(n.dimension_values[label], f.dimensions[label])) as places,
        f.dimensions::varchar as written
    from (
        select name, dimensions, count(*) as row_count
        from listed
        where name in (select name from begun)
        group by name, dimensions
    ) as f
    join chosen as n using (name)
),
first_dimensions as (
    select name, dimensions, places, written
    from placed
    qualify sum(row_count) over (order by kind = 'kpi', ordinal, places, written) - row_count < $max_rows
)
select
    n.kind, n.name, n.title, n.priority, n.unit, n.better, n.maximum, n.expected_missions,
    f.* exclude (name),
    if(n.kind = 'kpi', null, name_period(y.cycle, f.period_start, f.period_end)) as period
from listed as f
join first_dimensions as d using (name, dimensions)
join chosen as n using (name)
left join store.current_missions as m on m.mission = f.mission
left join cycles as y on y.period_start = f.period_start and y.period_end = f.period_end
order by n.kind = 'kpi', n.ordinal, d.places, d.written, m.ordinal
limit $max_rows
