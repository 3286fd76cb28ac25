-- A row compares the printed total of an indicator in a period with the sum over missions, for each indicator in the list.
with compared as (
    select *
    from (
        values
            ('explosive_risk_education_recipients', false, 500, 'printed total, rounded to 1,000, compared with the sum over missions, which are printed as lower bounds'),
            ('formed_police_unit_evaluations', true, 0, '2 evaluations of every unit, as in the text, compared with the sum over missions'),
            ('formed_police_units', true, 0, 'printed total compared with the sum over missions'),
            ('hospitals', true, 0, 'printed total compared with the sum over missions'),
            ('hospitals_with_interruptions', true, 0, 'total in the text compared with the sum over missions')
    ) as v(indicator, is_half_yearly, tolerance, note)
),
totals as (
    select indicator, period_start, period_end, value
    from observations
    where indicator in (select indicator from compared) and mission = 'ALL' and value is not null
),
missions_added as (
    select indicator, period_start, period_end, sum(value) as value
    from observations
    where indicator in (select indicator from compared) and mission <> 'ALL'
    group by indicator, period_start, period_end
    having count(value) > 0 and bool_and(status not in ('O', 'L', 'V'))
)
select
    t.indicator || '_' || if(
        v.is_half_yearly and c.cycle is not null,
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    m.value as computed,
    v.tolerance::double as tolerance,
    v.note
from totals as t
join missions_added as m using (indicator, period_start, period_end)
join compared as v using (indicator)
left join cycles as c using (period_start, period_end)
