-- A row compares the printed share of women among Triangular Partnership trainees of a period with its weighted fields.
with trainings as (
    select w.dimensions['training'] as training, w.period_start, w.period_end, w.value as women_ratio, n.value as trainees
    from observations as w
    join observations as n using (mission, dimensions, period_start, period_end)
    where w.indicator = 'tpp_trainees_women_ratio'
        and n.indicator = 'tpp_trainees'
        and w.mission = 'ALL'
        and w.value is not null
        and n.value is not null
),
weighted as (
    select period_start, period_end, sum(women_ratio * trainees) / nullif(sum(trainees), 0) as value
    from trainings
    where training in ('Engineering', 'Medical', 'C4ISR')
    group by period_start, period_end
    having count(*) = 3
),
totals as (
    select period_start, period_end, women_ratio as value
    from trainings
    where training = 'All'
)
select
    'tpp_trainees_women_ratio_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    w.value as computed,
    0.01::double as tolerance,
    'printed share compared with its 3 fields weighted by trainees; total and parts are rounded to 1 %' as note
from totals as t
join weighted as w using (period_start, period_end)
left join cycles as c using (period_start, period_end)
where w.value is not null
