-- A row is a key indicator or KPI of $keys, a JSON list of name and dimensions, with one series: that of peacekeeping as a whole or,
-- if there is none, of the open mission with the worst value. history has its values, at most 12, and missions the current value of
-- each open mission. has_threshold: some threshold is on the metric.
with keys as (
    select unnest(from_json($keys::json, '[{"place": "INTEGER", "name": "VARCHAR", "dimensions": "MAP(VARCHAR, VARCHAR)"}]'), recursive := true)
),
defined as (
    select k.place, k.name, k.dimensions, i.title, i.unit, i.better, i.metric, 'indicator' as kind
    from keys as k
    join indicators as i on i.indicator = k.name
    union all
    select k.place, k.name, k.dimensions, p.title, p.unit, p.better, p.metric, 'kpi' as kind
    from keys as k
    join kpis as p on p.kpi = k.name
),
-- The changes of KPIs of the same missions only (store.compared_kpi_values, which takes four times as long, has those of others too).
computed as materialized (
    select
        kpi as name, mission, dimensions, as_of, value, missions, name_base(missions_used, missions_expected) as base,
        lag({'value': value, 'missions': missions}) over (partition by kpi, mission, dimensions order by as_of) as previous
    from store.current_kpi_values
    where (kpi, dimensions) in (select (name, dimensions) from keys) and as_of <= as_of_date()
),
current_values as materialized (
    select l.indicator as name, l.mission, l.dimensions, l.value, l.status, l.period_start, l.period_end, l.previous_value, l.change, null as base
    from store.latest_values as l
    -- By name first: comparing the dimensions of 1,000,000 series would take a second.
    where l.indicator in (select name from keys) and (l.indicator, l.dimensions) in (select (name, dimensions) from keys)
    union all by name
    (
        select
            name, mission, dimensions, value, 'A' as status, as_of as period_start, as_of as period_end, base,
            if(missions is not distinct from previous.missions, previous.value, null) as previous_value, value - previous_value as change
        from computed
        qualify row_number() over (partition by name, mission, dimensions order by as_of desc) = 1
    )
),
shown as (
    select d.*, v.* exclude (name, dimensions)
    from defined as d
    join current_values as v using (name, dimensions)
    join store.current_missions as m using (mission)
    where v.value is not null and m.status <> 'closed'
),
chosen as (
    select *
    from shown
    -- Of several missions with the worst value, the one that reported last, then by name.
    qualify row_number() over (
        partition by place
        order by mission = 'ALL' desc, if(better = 'higher', value, -value), period_end desc, mission
    ) = 1
),
-- Few series, found before their observations are read.
chosen_series as materialized (
    select s.series_id, s.indicator as name, s.mission, s.dimensions
    from store.series as s
    semi join chosen as c on c.name = s.indicator and c.mission = s.mission and c.dimensions = s.dimensions
    where s.indicator in (select name from chosen)
),
observed as (
    select name, mission, dimensions, period_start, period_end, value
    from (
        select s.name, s.mission, s.dimensions, o.period_start, o.period_end, o.value
        from store.current_revisions as o
        join chosen_series as s using (series_id)
        where o.value is not null and o.period_end <= as_of_date()
        union all
        select name, mission, dimensions, as_of, as_of, value
        from computed
        where value is not null
    )
    semi join chosen using (name, mission, dimensions)
    qualify row_number() over (partition by name, mission, dimensions, period_end order by period_start desc) = 1
),
recent as (
    select *
    from observed
    qualify row_number() over (partition by name, mission, dimensions order by period_end desc) <= 12
),
histories as (
    select
        name, mission, dimensions,
        list({'period_end': period_end, 'value': value, 'period': name_period(y.cycle, r.period_start, period_end)} order by period_end)
            as history
    from recent as r
    left join cycles as y using (period_start, period_end)
    group by name, mission, dimensions
),
peers as (
    select place, list({'mission': mission, 'value': value} order by value desc, mission) as missions
    from shown
    where mission <> 'ALL'
    group by place
)
select
    d.place, d.name, d.title, d.unit, d.better, d.kind, d.dimensions, c.mission, c.value, c.status, c.previous_value, c.change, c.base,
    if(d.kind = 'kpi', null, name_period(y.cycle, c.period_start, c.period_end)) as period, c.period_end,
    d.metric in (select metric from thresholds) as has_threshold, coalesce(h.history, []) as history, coalesce(p.missions, []) as missions
from defined as d
left join chosen as c using (place)
left join histories as h on h.name = c.name and h.mission = c.mission and h.dimensions = c.dimensions
left join peers as p on p.place = d.place
left join cycles as y on y.period_start = c.period_start and y.period_end = c.period_end
order by d.place
