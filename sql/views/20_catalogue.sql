-- The current catalogue, as users read it.
create or replace view priorities as
select priority, title, number, cross_cutting
from store.current_priorities
order by ordinal;

comment on view priorities is 'A row is an A4P+ priority or cross-cutting theme.';
comment on column priorities.priority is 'Name of the priority.';
comment on column priorities.title is 'What a person calls it.';
comment on column priorities.number is 'Its number in A4P+; null for a cross-cutting theme.';
comment on column priorities.cross_cutting is 'Whether it is a cross-cutting theme.';

create or replace view missions as
select mission, name, location, has_political_mandate, host_agreement, status, opened_on, closed_on
from store.current_missions
order by ordinal;

comment on view missions is 'A row is a mission: the eleven, MINUSMA (closed) and ALL (peacekeeping as a whole).';
comment on column missions.mission is 'Acronym of the mission.';
comment on column missions.name is 'Full name.';
comment on column missions.location is 'Where it works.';
comment on column missions.has_political_mandate is 'Whether its mandate is political; null where the report does not say.';
comment on column missions.host_agreement is 'Agreement with the host country: SOFA, SOMA or none; null where the report does not say.';
comment on column missions.status is 'active, closed, or aggregate for peacekeeping as a whole.';
comment on column missions.opened_on is 'First day of the mission; null where it is not recorded.';
comment on column missions.closed_on is 'Last day of the mission; null while it is open or where it is not recorded.';

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

comment on view store.cycle_calendar is 'A row is a cycle that has begun by the variable as_of (today when unset), whether or not anything was observed for it.';

create or replace view cycles as
select cycle, period_start, period_end, period_end + due_days as due_on
from store.cycle_calendar
where cycle >= coalesce(
    (select min(c.cycle) from store.cycle_calendar as c join store.observations as o using (period_start, period_end)),
    (select min(cycle) from store.current_cycle_rule)
)
order by cycle;

comment on view cycles is 'A row is a reporting cycle: every one from the first that was observed to that of the variable as_of (today when unset).';
comment on column cycles.cycle is 'Number of the cycle.';
comment on column cycles.period_start is 'First day.';
comment on column cycles.period_end is 'Last day, inclusive.';
comment on column cycles.due_on is 'Last day on which its reports are in time; an indicator may have its own deadline (see expected_reports).';

create or replace view indicators as
select indicator, title, description, priority, unit, better, source, metric, expected_missions
from store.current_indicators
order by ordinal;

comment on view indicators is 'A row is an indicator of the catalogue.';
comment on column indicators.indicator is 'Name of the indicator.';
comment on column indicators.title is 'What a person calls it.';
comment on column indicators.description is 'What is counted, and over what.';
comment on column indicators.priority is 'Priority it belongs to.';
comment on column indicators.unit is 'Unit of its values: count, ratio (0..1), days, meters, square_meters, boolean (1/0) or level.';
comment on column indicators.better is 'Whether higher or lower is better, or neutral.';
comment on column indicators.source is 'Who reports it.';
comment on column indicators.metric is 'Its name in Prometheus.';
comment on column indicators.expected_missions is 'Missions that are expected to report it.';

create or replace view kpis as
select kpi, title, description, unit, better, priority, metric, maximum
from store.newest_kpis
where digest is not null
order by kpi;

comment on view kpis is 'A row is a KPI: a figure computed from observations by one file in sql/kpis.';
comment on column kpis.kpi is 'Name of the KPI.';
comment on column kpis.title is 'What a person calls it.';
comment on column kpis.description is 'How it is computed.';
comment on column kpis.unit is 'Unit of its values.';
comment on column kpis.better is 'Whether higher or lower is better, or neutral.';
comment on column kpis.priority is 'Priority it belongs to; all for a figure about every indicator.';
comment on column kpis.metric is 'Its name in Prometheus.';
comment on column kpis.maximum is 'Largest possible value: 1 for a part of a whole. A larger one is impossible; null where there is none.';
