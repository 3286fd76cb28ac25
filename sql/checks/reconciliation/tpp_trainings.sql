-- A row compares the printed Triangular Partnership trainings of a period with the sum over its fields.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'tpp_trainings' and mission = 'ALL' and dimensions['training'] = 'All' and value is not null
),
parts_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'tpp_trainings'
        and mission = 'ALL'
        and dimensions['training'] in ('Engineering', 'Medical', 'C4ISR')
        and value is not null
    group by period_start, period_end
    having count(*) = 3
)
select
    'tpp_trainings_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    p.value as computed,
    0::double as tolerance,
    'printed total compared with the sum of engineering, medical and C4ISR' as note
from totals as t
join parts_added as p using (period_start, period_end)
left join cycles as c using (period_start, period_end)
