-- kpi: cpas_coverage_ratio
-- title: Missions that use CPAS
-- description: Missions that use CPAS, the Comprehensive Planning and Performance Assessment System, over missions that reported whether they do. Covers the missions with a value in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: innovation_data_and_technology  maximum: 1
-- labels: mission
-- inputs: cpas_in_use
select mission, value, missions as missions
from store.share_answering_yes('latest', 'cpas_in_use')
