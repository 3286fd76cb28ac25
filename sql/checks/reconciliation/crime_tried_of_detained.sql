-- A row is a mission in which more suspects were tried than detained, cumulative since 2013.
with detained as (
    select mission, period_start, period_end, value
    from observations
    where indicator = 'crime_suspects_detained' and period_start = date '2013-01-01'
),
tried as (
    select mission, period_start, period_end, value
    from observations
    where indicator = 'crime_suspects_tried'
)
select
    'crime_tried_of_detained_' || lower(t.mission) || '_'
    || coalesce('cycle_' || c.cycle, strftime(t.period_end, '%Y_%m_%d')) as check_name,
    d.value as expected,
    t.value as computed,
    0::double as tolerance,
    'suspects tried must not exceed suspects detained; both values are stored as printed' as note
from tried as t
join detained as d using (mission, period_start, period_end)
left join cycles as c using (period_end)
where t.value > d.value
