-- The views of the current catalogue for users.
create or replace view priorities as
select priority, title, number, cross_cutting
from store.current_priorities
order by ordinal;

comment on view priorities is 'A row is an A4P+ priority or cross-cutting theme.';

create or replace view missions as
select mission, name, location, has_political_mandate, host_agreement, status, opened_on, closed_on, latitude, longitude
from store.current_missions
order by ordinal;

comment on view missions is 'A row is a mission: active, closed, or ALL (peacekeeping as a whole).';

-- Every cycle from number 1 on to the one after that of the date of as_of, by the rule and its exceptions.
create or replace view store.numbered_cycles as
with numbered as (
    select
        r.cycle as rule_cycle, r.period_start as rule_start, r.months, r.due_days,
        unnest(generate_series(
            1, r.cycle + 1 + floor(date_diff('month', r.period_start, as_of_date()) / r.months)::integer
        ))::integer as cycle
    from store.current_cycle_rule as r
),
ruled as (
    select
        cycle, due_days,
        (rule_start + to_months((cycle - rule_cycle) * months))::date as period_start,
        (rule_start + to_months((cycle - rule_cycle + 1) * months))::date - 1 as period_end
    from numbered
)
select
    r.cycle, coalesce(e.period_start, r.period_start) as period_start, coalesce(e.period_end, r.period_end) as period_end,
    coalesce(e.due_days, r.due_days) as due_days
from ruled as r
left join store.current_cycle_exceptions as e using (cycle);

comment on view store.numbered_cycles is 'A row is a cycle from number 1 to at least the one after that of the variable as_of (today when unset).';

create or replace view store.cycle_calendar as
select *
from store.numbered_cycles
where period_start <= as_of_date();

comment on view store.cycle_calendar is 'A row is a cycle that has begun by the variable as_of (today when unset), with or without observations.';

-- The service counts events of decades in which nothing was reported.
create or replace view store.counted_series as
select series_id
from store.series
where indicator in (select indicator from store.current_indicators where counted_from is not null);

comment on view store.counted_series is 'A row is a series that the service counts from events.';

create or replace view cycles as
with reported_periods as (
    select distinct period_start, period_end
    from query_table('store.' || if(store.is_complete(), 'cached', 'merged') || '_reports')
    where indicator not in (select indicator from store.current_indicators where counted_from is not null)
)
select cycle, period_start, period_end, period_end + due_days as due_on
from store.cycle_calendar
where cycle >= coalesce(
    (
        select min(c.cycle)
        from store.cycle_calendar as c
        join reported_periods as p using (period_start, period_end)
    ),
    (select min(cycle) from store.current_cycle_rule)
)
order by cycle;

comment on view cycles is 'A row is a reporting cycle, from the first with reported observations to that of the variable as_of (today when unset).';

create or replace view indicators as
select
    indicator, title, description, priority, unit, better, source, metric,
    if(counted_from is null, expected_missions, []) as expected_missions
from store.current_indicators
order by ordinal;

comment on view indicators is 'A row is an indicator of the catalogue.';

create or replace view kpis as
select kpi, title, description, unit, better, priority, metric, maximum
from store.newest_kpis
where digest is not null
order by kpi;

comment on view kpis is 'A row is a KPI: a value computed from observations or events by one file in sql/kpis.';
