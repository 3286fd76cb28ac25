-- A row compares the printed number of missions with hospitals in a period with the missions that have any.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'missions_with_hospitals' and mission = 'ALL' and value is not null
),
missions_counted as (
    select period_start, period_end, count(*) filter (where value > 0) as value
    from observations
    where indicator = 'hospitals' and mission <> 'ALL'
    group by period_start, period_end
    having count(value) > 0 and bool_and(status not in ('O', 'L', 'V'))
)
select
    'missions_with_hospitals_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    m.value::double as computed,
    0::double as tolerance,
    'printed total compared with the missions with a field hospital' as note
from totals as t
join missions_counted as m using (period_start, period_end)
left join cycles as c using (period_start, period_end)
