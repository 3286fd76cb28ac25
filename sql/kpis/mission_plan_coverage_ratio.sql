-- kpi: mission_plan_coverage_ratio
-- title: Share of missions with an approved mission plan
-- short_title: Missions with an approved mission plan
-- description: Missions with a plan approved by their head over missions that reported whether they have one. Covers the missions with a value in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: integration  maximum: 1
-- labels: mission
-- inputs: mission_plan_approved
select mission, value, missions as missions
from store.share_answering_yes('latest', 'mission_plan_approved')
