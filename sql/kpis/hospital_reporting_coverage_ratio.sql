-- kpi: hospital_reporting_coverage_ratio
-- title: Field hospitals that sent reports
-- description: Field hospitals that sent service reports in the cycle over field hospitals in the mission; a mission without hospitals has no figure.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers
-- labels: mission
-- inputs: hospitals, hospitals_reporting
with missions_with_hospitals as (
    select h.mission, r.value as reporting, h.value as hospitals
    from latest as h
    join latest as r using (mission, period_start, period_end)
    where h.indicator = 'hospitals'
        and r.indicator = 'hospitals_reporting'
        and h.mission <> 'ALL'
        and h.value > 0
        and r.value is not null
),
with_total as (
    select mission, reporting, hospitals
    from missions_with_hospitals
    union all
    select 'ALL' as mission, sum(reporting) as reporting, sum(hospitals) as hospitals
    from missions_with_hospitals
),
figures as (
    select mission, reporting / nullif(hospitals, 0) as value
    from with_total
)
select mission, value
from figures
where value is not null
