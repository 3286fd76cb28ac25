-- kpi: mission_plan_coverage_ratio
-- title: Share of missions with an approved mission plan
-- description: Missions with a plan approved by their head over missions that reported whether they have one. Covers the missions with a value in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: integration  maximum: 1
-- labels: mission
-- inputs: mission_plan_approved
with answers as (
    select mission, value
    from latest
    where indicator = 'mission_plan_approved'
        and mission <> 'ALL'
        and value is not null
    qualify is_newest_period(period_start, period_end)
),
figures as (
    select 'ALL' as mission, count(*) filter (where value = 1) / nullif(count(*), 0) as value, list(mission) as missions
    from answers
)
select mission, value, missions
from figures
where value is not null
