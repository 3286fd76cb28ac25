-- When an observation becomes valid: 00:00 UTC of the day after its period_end or its as-of date.
create or replace macro starts_to_hold(as_of) as ((as_of + 1)::timestamp at time zone 'UTC');

-- `held` names store.holdings, or a table of its rows. For each indicator and mission, the dates from which the current value
-- has a status other than A; a null value ends the status.
create or replace macro store.status_history(held) as table
with spells as (
    select distinct s.indicator, s.mission, h.status, h.holds_from, coalesce(h.holds_until, 'infinity'::date) as holds_until
    from query_table(held) as h
    join store.series as s using (series_id)
    where h.status <> 'A'
),
-- Series of one indicator and mission differ in their dimensions. Intervals that overlap or adjoin are merged.
joined as (
    select
        *,
        max(holds_until) over (
            partition by indicator, mission, status
            order by holds_from, holds_until
            rows between unbounded preceding and 1 preceding
        ) as held_until
    from spells
),
numbered as (
    select
        *,
        count(*) filter (where held_until is null or holds_from > held_until) over (
            partition by indicator, mission, status
            order by holds_from, holds_until
            rows unbounded preceding
        ) as spell
    from joined
),
merged as (
    select indicator, mission, status, min(holds_from) as holds_from, max(holds_until) as holds_until
    from numbered
    group by indicator, mission, status, spell
)
select indicator, mission, status, holds_from as as_of, 1::double as value
from merged
union all
select indicator, mission, status, holds_until, null
from merged
where isfinite(holds_until);

-- The last day of the newest period in which a mission reported an indicator, with the date from which it is valid.
create or replace view store.period_end_history as
select distinct indicator, mission, period_end as as_of, epoch(period_end)::double as value
from store.given_reports;

comment on view store.period_end_history is 'A row is the end of a period that a mission reported an indicator for.';

-- The age of the newest value of an indicator and mission at each date when that value changes; null if there is no value.
create or replace macro store.age_history(held) as table
with spells as (
    select distinct
        s.indicator, s.mission, h.holds_from, coalesce(h.holds_until, 'infinity'::date) as holds_until,
        if(h.value is null, null, h.period_end) as period_end
    from query_table(held) as h
    join store.series as s using (series_id)
),
turns as (
    select distinct indicator, mission, holds_from as as_of
    from spells
),
newest as (
    select t.indicator, t.mission, t.as_of, max(s.period_end) as period_end
    from turns as t
    join spells as s
        on s.indicator = t.indicator
        and s.mission = t.mission
        and s.holds_from <= t.as_of
        and s.holds_until > t.as_of
    group by all
)
select indicator, mission, as_of, (as_of - period_end)::double as value
from newest;

-- KPI values with the dates from which they are valid. The age of values has a separate view, exact on every day.
create or replace view store.kpi_history as
select
    v.kpi, v.mission, v.dimensions, v.as_of, arg_max_null(v.value, v.computed_at) as value,
    arg_max_null(v.missions_used, v.computed_at) as missions_used,
    arg_max_null(v.missions_expected, v.computed_at) as missions_expected
from store.kpi_values as v
where v.kpi <> 'indicator_age_days' and v.computed_at <= known_at_time()
group by all;

comment on view store.kpi_history is 'A row is a KPI value that is valid from a date until the next; a null value ends the series.';

-- The KPI series that are computed over several missions.
create or replace view store.kpi_totals as
select distinct kpi, mission, dimensions
from store.kpi_values
where missions_used is not null and computed_at <= known_at_time();

comment on view store.kpi_totals is 'A row is a KPI series whose value is computed over several missions.';

-- The day from which the catalogue is shown: the first period_end or, where no period has ended, the date as of which values are read.
create or replace view store.history_start as
select coalesce(least(min(period_end), as_of_date()), as_of_date()) as day
from store.observations;

comment on view store.history_start is 'The one row is the day from which the history has series of catalogue entries.';

-- Series of /metrics other than the indicators, with the same names and labels. A row is valid from its date until the next row
-- of the series, a null value ends the series, and growth is added on each further day.
create or replace macro store.derived_history(held) as table
-- Materialized, because planning it takes longer than reading it.
with overdue as materialized (
    from store.overdue_history
)
select
    k.metric, map_concat(map {'mission': v.mission}, v.dimensions) as labels, v.as_of, v.value, 0::double as growth
from store.kpi_history as v
join kpis as k using (kpi)
union all
select
    'a4p_kpi_missions_used', map_concat(map {'kpi': v.kpi, 'mission': v.mission}, v.dimensions), v.as_of,
    if(v.value is null, null, v.missions_used), 0
from store.kpi_history as v
join kpis as k using (kpi)
where (v.kpi, v.mission, v.dimensions) in (select (kpi, mission, dimensions) from store.kpi_totals)
union all
select
    'a4p_kpi_missions_expected', map_concat(map {'kpi': v.kpi, 'mission': v.mission}, v.dimensions), v.as_of,
    if(v.value is null, null, v.missions_expected), 0
from store.kpi_history as v
join kpis as k using (kpi)
where (v.kpi, v.mission, v.dimensions) in (select (kpi, mission, dimensions) from store.kpi_totals)
union all
select k.metric, map {'mission': a.mission, 'indicator': a.indicator}, a.as_of, a.value, 1
from store.age_history(held) as a
join kpis as k on k.kpi = 'indicator_age_days'
where a.indicator in (select indicator from indicators)
union all
select
    'a4p_indicator_period_end_timestamp_seconds', map {'indicator': p.indicator, 'mission': p.mission}, p.as_of, p.value, 0
from store.period_end_history as p
where p.indicator in (select indicator from indicators)
union all
select
    'a4p_indicator_status', map {'indicator': s.indicator, 'mission': s.mission, 'status': s.status}, s.as_of, s.value, 0
from store.status_history(held) as s
where s.indicator in (select indicator from indicators)
union all
select
    'a4p_indicator_info',
    map {'indicator': i.indicator, 'metric': i.metric, 'priority': i.priority, 'unit': i.unit, 'better': i.better},
    f.day, 1, 0
from indicators as i
cross join store.history_start as f
union all
select
    'a4p_kpi_info',
    map {'kpi': k.kpi, 'metric': k.metric, 'priority': k.priority, 'unit': k.unit, 'better': k.better},
    f.day, 1, 0
from kpis as k
cross join store.history_start as f
union all
select
    'a4p_mission_info',
    map {
        'mission': m.mission, 'location': m.location,
        'latitude': m.latitude::varchar, 'longitude': m.longitude::varchar
    },
    greatest(f.day, coalesce(m.opened_on, f.day)), 1, 0
from missions as m
cross join store.history_start as f
where m.latitude is not null and is_open_on(m.status, null, m.closed_on, f.day)
union all
select
    'a4p_mission_info',
    map {
        'mission': m.mission, 'location': m.location,
        'latitude': m.latitude::varchar, 'longitude': m.longitude::varchar
    },
    m.closed_on + 1, null, 0
from missions as m
cross join store.history_start as f
where m.latitude is not null and m.closed_on >= f.day
union all
select
    'a4p_indicator_expected', map {'indicator': e.indicator, 'mission': e.mission},
    greatest(f.day, coalesce(e.opened_on, f.day)), 1, 0
from store.expected_missions as e
cross join store.history_start as f
where is_open_on(e.status, null, e.closed_on, f.day)
union all
select 'a4p_indicator_expected', map {'indicator': e.indicator, 'mission': e.mission}, e.closed_on + 1, null, 0
from store.expected_missions as e
cross join store.history_start as f
where e.closed_on >= f.day
union all
select
    'a4p_indicator_overdue', map {'indicator': o.indicator, 'mission': o.mission, 'cycle': o.cycle::varchar, 'title': o.title},
    o.overdue_from, 1, 0
from overdue as o
union all
select
    'a4p_indicator_overdue', map {'indicator': o.indicator, 'mission': o.mission, 'cycle': o.cycle::varchar, 'title': o.title},
    o.overdue_until, null, 0
from overdue as o
where isfinite(o.overdue_until);
