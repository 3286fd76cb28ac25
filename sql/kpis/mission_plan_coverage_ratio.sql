-- kpi: mission_plan_coverage_ratio
-- title: Missions with an approved mission plan
-- description: Missions with a plan approved by their head over missions that said whether they have one.
-- unit: ratio  better: higher  priority: integration
-- labels: mission
-- inputs: mission_plan_approved
with answers as (
    select value
    from latest
    where indicator = 'mission_plan_approved'
        and mission <> 'ALL'
        and value is not null
),
figures as (
    select 'ALL' as mission, count(*) filter (where value = 1) / nullif(count(*), 0) as value
    from answers
)
select mission, value
from figures
where value is not null
