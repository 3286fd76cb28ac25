-- kpi: cpas_coverage_ratio
-- title: Missions that use CPAS
-- title_fr: Missions utilisant le CPAS
-- description: Missions that use CPAS, the Comprehensive Planning and Performance Assessment System, over missions that reported whether they do. Covers the missions with a value in the newest period that any mission reported.
-- description_fr: Missions utilisant le CPAS, le Système complet de planification et d’évaluation de la performance, rapportées aux missions ayant indiqué si elles l’utilisent. Porte sur les missions ayant une valeur à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: innovation_data_and_technology  maximum: 1
-- labels: mission
-- inputs: cpas_in_use
select mission, value, missions as missions
from store.share_answering_yes('latest', 'cpas_in_use')
