-- The rules, periods and cells to count again after the batch $batch_id of events of $feed; null counts every cell.
create or replace temp table counting_rules as
select
    indicator, counted_from.conditions as conditions, map_keys(counted_from.fields)[1] as dimension,
    map_values(counted_from.fields)[1] as field, counted_from.periods as periods, counted_from.since as since,
    counted_from.provisional_states as provisional_states, expected_missions, source,
    -- An indicator without dimensions has one series of each mission.
    if(
        cardinality(dimensions) = 0,
        [map {}::map(varchar, varchar)],
        list_transform(map_values(dimensions)[1], lambda value: map {map_keys(dimensions)[1]: value})
    ) as combinations
from store.current_indicators
where counted_from.feed = $feed;

-- The one row: the day up to which the exports cover events, that before the batch, and whether every cell is counted.
-- Every cell is counted the first time, and when the catalogue has changed, which has rules and the dates of missions.
create or replace temp table count_dates as
with exports as (
    select
        max((exported_at at time zone 'UTC')::date) as covered_until,
        max((exported_at at time zone 'UTC')::date) filter (where batch_id < $batch_id) as covered_before
    from store.event_batches
    where feed = $feed
),
last_run as (
    select arg_max(catalogue_version, recorded_at) as catalogue_version, count(*) as runs
    from store.count_runs
    where feed = $feed
)
select
    covered_until, covered_before, runs = 0 as is_first,
    $batch_id is null or runs = 0 or covered_before is null or catalogue_version <> store.catalogue_version() as is_whole
from exports
cross join last_run;

-- A row is a period of an indicator that has begun, numbered from the first.
create or replace temp table count_periods as
with years as (
    select r.indicator, unnest(generate_series(year(r.since), year(d.covered_until))) as year
    from counting_rules as r
    cross join count_dates as d
    where r.periods = 'calendar_years'
),
cycles as (
    select
        r.indicator, r.since, d.covered_until, c.period_start as rule_start, c.months, c.cycle as rule_cycle,
        unnest(generate_series(
            floor(date_diff('month', c.period_start, r.since) / c.months)::bigint - 1,
            ceil(date_diff('month', c.period_start, d.covered_until) / c.months)::bigint + 1
        )) as steps
    from counting_rules as r
    cross join count_dates as d
    cross join store.current_cycle_rule as c
    where r.periods = 'cycles'
),
dated as (
    select indicator, make_date(year, 1, 1) as period_start, make_date(year, 12, 31) as period_end
    from years
    union all
    -- Half-years before cycle 1 end as cycles do.
    select
        c.indicator, coalesce(e.period_start, (c.rule_start + to_months((c.steps * c.months)::integer))::date),
        coalesce(e.period_end, (c.rule_start + to_months(((c.steps + 1) * c.months)::integer))::date - 1)
    from cycles as c
    left join store.current_cycle_exceptions as e on e.cycle = c.rule_cycle + c.steps
)
select
    p.indicator, p.period_start, p.period_end, d.covered_until <= p.period_end as is_open,
    row_number() over (partition by p.indicator order by p.period_start) as number
from dated as p
join counting_rules as r using (indicator)
cross join count_dates as d
where p.period_start >= r.since and p.period_start <= d.covered_until;

-- The state before and after the batch of each event that it changes.
create or replace temp table changed_events as
with changed as (
    select distinct event_id
    from store.events
    where feed = $feed and batch_id = $batch_id and change <> 'confirmed'
),
-- Materialized, so that the events are read once.
rows_of_changed as materialized (
    select event_id, kind, occurred_on, mission, attributes, state, updated_at, precedence, batch_id
    from store.events
    where feed = $feed and event_id in (select event_id from changed)
),
states as (
    select false as is_after, *
    from rows_of_changed
    where batch_id < $batch_id
    qualify row_number() over (partition by event_id order by store.event_order(updated_at, precedence) desc) = 1
    union all
    select true, *
    from rows_of_changed
    where batch_id <= $batch_id
    qualify row_number() over (partition by event_id order by store.event_order(updated_at, precedence) desc) = 1
)
select *
from states
where state <> 'withdrawn';

-- A row is a mission in a period whose counts can differ: those of changed events, and periods that were open or had not begun.
create or replace temp table touched as
select r.indicator, m.mission, p.number
from counting_rules as r
cross join unnest(r.expected_missions) as m(mission)
join count_periods as p using (indicator)
cross join count_dates as d
where d.is_whole or p.period_end >= d.covered_before
union
select p.indicator, e.mission, p.number
from changed_events as e
join count_periods as p on e.occurred_on between p.period_start and p.period_end
join counting_rules as r on r.indicator = p.indicator and list_contains(r.expected_missions, e.mission);

-- The period after one that is counted may begin with the end of the series.
create or replace temp table recounted as
select distinct t.indicator, t.mission, n.number
from touched as t
join count_periods as n on n.indicator = t.indicator and n.number between t.number and t.number + 1;
