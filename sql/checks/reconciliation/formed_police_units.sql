-- A row is a period: the printed number of formed police units against the sum over missions.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'formed_police_units' and mission = 'ALL' and value is not null
),
missions_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'formed_police_units' and mission <> 'ALL'
    group by period_start, period_end
    having count(value) > 0 and bool_and(status not in ('M', 'U'))
)
select
    'formed_police_units_' || coalesce(
        'cycle_' || c.cycle,
        strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d')
    ) as check_name,
    t.value as expected,
    m.value as computed,
    0::double as tolerance,
    'printed total against the sum over missions' as note
from totals as t
join missions_added as m using (period_start, period_end)
left join cycles as c using (period_start, period_end)
