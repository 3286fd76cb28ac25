-- A row compares the printed allegations of sexual exploitation and abuse of a year with the sum over their dates of incident.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'sea_allegations' and mission = 'ALL' and value is not null
),
dates_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'sea_allegations_by_incident_date'
        and mission = 'ALL'
        and dimensions['incident_date'] in ('Current year', 'Previous year', 'Other', 'Unknown')
        and value is not null
    group by period_start, period_end
    having count(*) = 4
)
select
    'sea_allegations_' || year(t.period_start) as check_name,
    t.value as expected,
    d.value as computed,
    0::double as tolerance,
    'total in the text compared with the sum of the 4 dates of incident in the chart' as note
from totals as t
join dates_added as d using (period_start, period_end)
