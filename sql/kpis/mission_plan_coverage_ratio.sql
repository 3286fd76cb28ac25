-- kpi: mission_plan_coverage_ratio
-- title: Share of missions with an approved mission plan
-- title_fr: Part des missions ayant un plan approuvé
-- short_title: Missions with an approved mission plan
-- short_title_fr: Missions ayant un plan approuvé
-- description: Missions with a plan approved by their head over missions that reported whether they have one. Covers the missions with a value in the newest period that any mission reported.
-- description_fr: Missions ayant un plan approuvé par leur chef rapportées aux missions ayant indiqué si elles en ont un. Porte sur les missions ayant une valeur à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: integration  maximum: 1
-- labels: mission
-- inputs: mission_plan_approved
select mission, value, missions as missions
from store.share_answering_yes('latest', 'mission_plan_approved')
