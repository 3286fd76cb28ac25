-- kpi: sea_allegations_change_ratio
-- title: Change in sexual exploitation and abuse allegations
-- short_title: Change in SEA allegations
-- description: Allegations of sexual exploitation and abuse of the calendar year compared with the previous year, each year the sum over its 4 dates of incident; no value while one of them is missing.
-- unit: ratio  better: lower  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: sea_allegations_by_incident_date
with years as (
    select sum(value) as allegations, sum(previous_value) as previous_allegations
    from changes
    where indicator = 'sea_allegations_by_incident_date'
        and mission = 'ALL'
        and dimensions['incident_date'] in ('Current year', 'Previous year', 'Other', 'Unknown')
    group by period_start, period_end, previous_period_end
    having count(*) = 4
),
figures as (
    select 'ALL' as mission, (allegations - previous_allegations) / nullif(previous_allegations, 0) as value
    from years
)
select mission, value
from figures
where value is not null
