-- kpi: crime_investigation_ratio
-- title: Crimes against peacekeepers investigated by the host state
-- description: Cases investigated over cases reported, cumulative since 2013; a mission without cases has no figure. ALL leaves out MINUSMA, as the report does.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers
-- labels: mission
-- inputs: crime_cases_reported, crime_cases_investigated
with cases as (
    select r.mission, i.value as investigated, r.value as reported
    from latest as r
    join latest as i using (mission, period_start, period_end)
    where r.indicator = 'crime_cases_reported'
        and i.indicator = 'crime_cases_investigated'
        and r.mission <> 'ALL'
        and r.value is not null
        and i.value is not null
),
with_total as (
    select mission, investigated, reported
    from cases
    union all
    select 'ALL' as mission, sum(investigated) as investigated, sum(reported) as reported
    from cases
    where mission <> 'MINUSMA'
),
figures as (
    select mission, investigated / nullif(reported, 0) as value
    from with_total
)
select mission, value
from figures
where value is not null
