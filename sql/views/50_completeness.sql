-- Who reported what: per period and indicator, the missions expected and those that gave a figure or said why there is none.
create or replace view completeness as
with reported_periods as (
    select distinct i.indicator, o.period_start, o.period_end
    from observations as o
    join indicators as i using (indicator)
),
-- From its first report on, a half-yearly indicator that nobody reported in a cycle shows as 0 and is not absent.
due_periods as (
    select i.indicator, c.period_start, c.period_end
    from store.indicators as i
    cross join cycles as c
    where i.catalogue_version = (select max(catalogue_version) from store.catalogues)
        and i.frequency = 'half_yearly'
        and (c.period_start, c.period_end) in (select (period_start, period_end) from reported_periods)
        and c.period_end > (select min(r.period_end) from reported_periods as r where r.indicator = i.indicator)
),
periods as (
    select * from reported_periods
    union
    select * from due_periods
),
reporters as (
    select o.indicator, o.period_start, o.period_end, o.mission
    from observations as o
    join indicators as i on i.indicator = o.indicator and list_contains(i.expected_missions, o.mission)
    group by all
    having bool_or(o.status not in ('M', 'U'))
)
select
    coalesce('cycle ' || c.cycle, p.period_start || '/' || p.period_end) as period,
    p.indicator,
    len(i.expected_missions) as missions_expected,
    count(r.mission) as missions_reported
from periods as p
join indicators as i using (indicator)
left join cycles as c using (period_start, period_end)
left join reporters as r using (indicator, period_start, period_end)
group by all;

comment on view completeness is 'A row is an indicator in a period for which anyone reported it, or a cycle in which it was due.';
comment on column completeness.period is 'The cycle, or first/last day where the period is no cycle.';
comment on column completeness.indicator is 'Name of the indicator.';
comment on column completeness.missions_expected is 'How many missions are expected to report it.';
comment on column completeness.missions_reported is 'How many of those did; missing (M) and under validation (U) do not count, not applicable (N) does.';
