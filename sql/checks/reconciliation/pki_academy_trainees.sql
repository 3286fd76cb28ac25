-- A row compares the trainees of the Peacekeeping-Intelligence Academy in a period with uniformed and civilian trainees.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'pki_academy_trainees' and mission = 'ALL' and dimensions['personnel'] = 'All' and value is not null
),
parts_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'pki_academy_trainees'
        and mission = 'ALL'
        and dimensions['personnel'] in ('Uniformed', 'Civilian')
        and value is not null
    group by period_start, period_end
    having count(*) = 2
)
select
    'pki_academy_trainees_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    p.value as computed,
    0::double as tolerance,
    'total compared with uniformed and civilian' as note
from totals as t
join parts_added as p using (period_start, period_end)
left join cycles as c using (period_start, period_end)
