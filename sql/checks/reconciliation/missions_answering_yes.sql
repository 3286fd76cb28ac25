-- A row compares the printed number of missions of an indicator in a period with the missions that have the value 1.
with counted as (
    select *
    from (
        values
            ('missions_with_cpas_impact_assessment', 'cpas_impact_assessment'),
            ('missions_with_approved_plan', 'mission_plan_approved'),
            ('missions_with_information_integrity_working_group', 'information_integrity_working_group'),
            ('missions_with_coordination_mechanism', 'coordination_mechanism_in_place')
    ) as v(indicator, answer)
),
totals as (
    select n.indicator, n.answer, o.period_start, o.period_end, o.value
    from observations as o
    join counted as n using (indicator)
    where o.mission = 'ALL' and o.value is not null
),
answers as (
    select indicator as answer, period_start, period_end, sum(value) as value
    from observations
    where mission <> 'ALL' and indicator in (select answer from counted)
    group by indicator, period_start, period_end
    having count(value) > 0 and bool_and(status not in ('O', 'L', 'V'))
)
select
    t.indicator || '_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    a.value as computed,
    0::double as tolerance,
    'printed number of missions compared with the missions with the value 1 in ' || t.answer as note
from totals as t
join answers as a using (answer, period_start, period_end)
left join cycles as c using (period_start, period_end)
