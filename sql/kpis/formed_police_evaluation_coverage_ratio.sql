-- kpi: formed_police_evaluation_coverage_ratio
-- title: Evaluations per formed police unit
-- description: Evaluations of formed police units in the cycle over units in the mission. Can exceed 1: units are evaluated each quarter, so a full cycle gives 2. ALL covers the missions with both values in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: formed_police_units, formed_police_unit_evaluations
with missions_evaluated as (
    select u.mission, u.period_start, u.period_end, e.value as evaluations, u.value as units
    from latest as u
    join latest as e using (mission, period_start, period_end)
    where u.indicator = 'formed_police_units'
        and e.indicator = 'formed_police_unit_evaluations'
        and u.mission <> 'ALL'
        and u.value is not null
        and e.value is not null
),
newest as (
    select mission, evaluations, units
    from missions_evaluated
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, evaluations, units, null as missions
    from missions_evaluated
    union all
    select 'ALL' as mission, sum(evaluations) as evaluations, sum(units) as units, list(mission) as missions
    from newest
),
figures as (
    select mission, evaluations / nullif(units, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
