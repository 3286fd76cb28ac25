-- A row is a series without dimensions, as in list_values, or a number of series (series_count) with dimensions of one indicator or
-- KPI and mission that are alike: value is 1 or null, change is its sign. For tables whose rows are not all read.
with named as (
    select indicator as name, title, priority, unit, better
    from indicators
    union all
    select kpi, title, priority, unit, better
    from kpis
    -- Those about all indicators are on their own pages only.
    where priority <> 'all' or kpi = $one
),
current_values as (
    select
        l.indicator as name, l.mission, l.dimensions, l.value, l.change, name_period(y.cycle, l.period_start, l.period_end) as period
    from store.latest_values as l
    left join cycles as y using (period_start, period_end)
    where ($one is null or l.indicator = $one) and ($mission is null or l.mission = $mission)
    union all
    select l.kpi, l.mission, l.dimensions, l.value, c.change, null
    from kpi_latest as l
    left join store.compared_kpi_values as c
        on c.kpi = l.kpi and c.mission = l.mission and c.dimensions = l.dimensions and c.as_of = l.as_of and c.is_value_before
    where ($one is null or l.kpi = $one) and ($mission is null or l.mission = $mission)
),
alike as (
    select
        name, mission, cardinality(dimensions) > 0 as has_dimensions,
        if(cardinality(dimensions) > 0, if(value is null, null, 1), value) as value,
        if(cardinality(dimensions) > 0, sign(change), change) as change,
        if(cardinality(dimensions) > 0, null, period) as period
    from current_values
)
select
    a.name, n.title, n.priority, n.unit, n.better, a.mission, if(a.has_dimensions, map {'': ''}, map {}) as dimensions, a.value, a.change,
    a.period, count(*) as series_count
from alike as a
join named as n using (name)
group by all
