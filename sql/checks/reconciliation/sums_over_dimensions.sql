-- A row compares the printed total of an indicator in a period with the sum over values of a dimension, for each indicator in the list.
with compared as (
    select *
    from (
        values
            ('pki_academy_trainees', 'personnel', ['Uniformed', 'Civilian'], 'total compared with uniformed and civilian'),
            ('tpp_trainees', 'training', ['Engineering', 'Medical', 'C4ISR'], 'printed total compared with the sum of engineering, medical and C4ISR; both are stored as printed'),
            ('tpp_trainings', 'training', ['Engineering', 'Medical', 'C4ISR'], 'printed total compared with the sum of engineering, medical and C4ISR')
    ) as v(indicator, dimension, parts, note)
),
printed as (
    select o.indicator, o.dimensions[v.dimension] as part, o.period_start, o.period_end, o.value, v.parts, v.note
    from observations as o
    join compared as v using (indicator)
    where o.mission = 'ALL' and o.value is not null
),
parts_added as (
    select indicator, period_start, period_end, sum(value) as value
    from printed
    where list_contains(parts, part)
    group by indicator, period_start, period_end, parts
    having count(*) = len(parts)
)
select
    t.indicator || '_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    p.value as computed,
    0::double as tolerance,
    t.note
from printed as t
join parts_added as p using (indicator, period_start, period_end)
left join cycles as c using (period_start, period_end)
where t.part = 'All'
