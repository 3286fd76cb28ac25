-- A row is a series of an indicator or KPI with its current value, in the order of the catalogue. $one, $priority and $mission
-- select one indicator or KPI, priority or mission. Shown are $max_rows rows after the first $skipped, and the other missions of the
-- dimensions of these rows; row_count is the number of all rows.
with named as (
    select
        'indicator' as kind, indicator as name, title, priority, unit, better, ordinal, expected_missions
    from store.current_indicators
    union all by name
    select 'kpi' as kind, kpi as name, title, priority, unit, better, maximum, row_number() over (order by kpi) + 1e9 as ordinal
    from kpis
    -- Those about all indicators are on their own pages only.
    where priority <> 'all' or kpi = $one
),
observed as not materialized (
    select
        indicator as name, mission, dimensions, value, status, period_start, period_end, source, page, note, previous_value, change
    from store.latest_values
),
computed as materialized (
    select
        l.kpi as name, l.mission, l.dimensions, l.value, 'A' as status, l.as_of as period_end, c.previous_value, c.change,
        name_base(l.missions_used, l.missions_expected) as base, if(c.is_restricted, name_base(c.missions_used, c.missions_expected), null) as change_base
    from kpi_latest as l
    left join store.compared_kpi_values as c
        on c.kpi = l.kpi and c.mission = l.mission and c.dimensions = l.dimensions and c.as_of = l.as_of and c.is_value_before
    -- Here, so that the values of other KPIs are not compared.
    where ($one is null or l.kpi = $one) and ($mission is null or l.mission = $mission)
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
counted as materialized (
    select
        n.name, n.kind, n.ordinal, count(*) as row_count,
        sum(count(*)) over (order by n.kind = 'kpi', n.ordinal) - count(*) as rows_before
    from listed as f
    join chosen as n using (name)
    group by n.name, n.kind, n.ordinal
),
begun as (
    select name, rows_before
    from counted
    where rows_before < $skipped + $max_rows and rows_before + row_count > $skipped
),
-- Then, the values of their first dimension.
first_values as materialized (
    select name, first_value, row_count, coalesce(place, 1e9) as place
    from (
        select name, map_values(dimensions)[1] as first_value, any_value(map_keys(dimensions)[1]) as label, count(*) as row_count
        from listed
        where name in (select name from begun)
        group by name, map_values(dimensions)[1]
    ) as g
    left join store.dimension_places as p on p.indicator = g.name and p.label = g.label and p.label_value = g.first_value
),
begun_values as materialized (
    select v.name, v.first_value, v.rows_before + b.rows_before as rows_before
    from (
        select *, sum(row_count) over (partition by name order by place, first_value) - row_count as rows_before
        from first_values
    ) as v
    join begun as b using (name)
    where v.rows_before + b.rows_before < $skipped + $max_rows and v.rows_before + v.row_count + b.rows_before > $skipped
),
candidates as materialized (
    select l.*, v.first_value
    from listed as l
    join begun_values as v on v.name = l.name and v.first_value is not distinct from map_values(l.dimensions)[1]
),
-- Then, their dimensions in order. A join finds the places of values: looking for each in the list of all takes a second for 10,000.
grouped as materialized (
    select name, first_value, dimensions, count(*) as row_count
    from candidates
    group by all
),
labels as (
    select name, dimensions, unnest(map_keys(dimensions)) as label, unnest(map_values(dimensions)) as label_value
    from grouped
),
places as (
    select l.name, l.dimensions, list(p.place order by list_position(map_keys(l.dimensions), l.label)) as places
    from labels as l
    left join store.dimension_places as p on p.indicator = l.name and p.label = l.label and p.label_value = l.label_value
    group by l.name, l.dimensions
),
placed as (
    select g.*, coalesce(p.places, []) as places, g.dimensions::varchar as written
    from grouped as g
    left join places as p using (name, dimensions)
),
shown_dimensions as (
    select name, dimensions, places, written
    from (
        select
            p.*, b.rows_before + sum(p.row_count) over (partition by p.name, p.first_value order by p.places, p.written) as rows_until
        from placed as p
        join begun_values as b on b.name = p.name and b.first_value is not distinct from p.first_value
    )
    where rows_until - row_count < $skipped + $max_rows and rows_until > $skipped
)
select
    n.kind, n.name, n.title, n.priority, n.unit, n.better, n.maximum, n.expected_missions,
    f.* exclude (name, first_value),
    if(n.kind = 'kpi', null, name_period(y.cycle, f.period_start, f.period_end)) as period,
    (select sum(row_count) from counted)::bigint as row_count
from candidates as f
join shown_dimensions as d using (name, dimensions)
join chosen as n using (name)
left join store.current_missions as m on m.mission = f.mission
left join cycles as y on y.period_start = f.period_start and y.period_end = f.period_end
order by n.kind = 'kpi', n.ordinal, d.places, d.written, m.ordinal
