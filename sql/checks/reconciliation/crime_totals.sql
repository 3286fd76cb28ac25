-- A row compares the printed total of an indicator of crimes against peacekeepers since 2013 with the missions, except MINUSMA.
with totals as (
    select indicator, period_start, period_end, value
    from observations
    where indicator in (
            'crime_cases_reported', 'crime_cases_investigated', 'crime_suspects_identified', 'crime_suspects_detained',
            'crime_suspects_tried', 'crime_suspects_convicted'
        )
        and mission = 'ALL'
        and period_start = date '2013-01-01'
        and value is not null
),
missions_added as (
    select indicator, period_start, period_end, sum(value) as value
    from observations
    where mission not in ('ALL', 'MINUSMA') and indicator in (select indicator from totals)
    group by indicator, period_start, period_end
    having count(value) > 0 and bool_and(status not in ('O', 'L', 'V'))
)
select
    t.indicator || '_' || coalesce('cycle_' || c.cycle, strftime(t.period_end, '%Y_%m_%d')) as check_name,
    t.value as expected,
    m.value as computed,
    0::double as tolerance,
    'printed total compared with the sum over missions except MINUSMA' as note
from totals as t
join missions_added as m using (indicator, period_start, period_end)
left join cycles as c using (period_end)
