-- A row compares the explosive ordnance incidents of a mission in a period with the sum over their outcomes.
with totals as (
    select mission, period_start, period_end, value
    from observations
    where indicator = 'explosive_incidents' and value is not null
),
outcomes_added as (
    select mission, period_start, period_end, sum(value) as value
    from observations
    where indicator = 'explosive_incidents_by_outcome'
        and dimensions['outcome'] in ('Exploded', 'Removed by mission', 'Removed by others')
        and value is not null
    group by mission, period_start, period_end
    having count(*) = 3
)
select
    'explosive_incidents_' || lower(t.mission) || '_'
    || strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d') as check_name,
    t.value as expected,
    p.value as computed,
    0::double as tolerance,
    'printed incidents compared with the sum of exploded, removed by the mission and removed by others' as note
from totals as t
join outcomes_added as p using (mission, period_start, period_end)
