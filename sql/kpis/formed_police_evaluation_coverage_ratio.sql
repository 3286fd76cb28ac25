-- kpi: formed_police_evaluation_coverage_ratio
-- title: Evaluations per formed police unit
-- title_fr: Évaluations par unité de police constituée
-- description: Evaluations of formed police units in the cycle over units in the mission. Can exceed 1: units are evaluated each quarter, so a full cycle gives 2. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Évaluations d’unités de police constituées pendant le cycle rapportées aux unités de la mission. Peut dépasser 1 : les unités sont évaluées chaque trimestre, un cycle complet donne donc 2. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: formed_police_units, formed_police_unit_evaluations
select mission, value, missions as missions
from store.evaluation_coverage('latest', 'formed_police_units', 'formed_police_unit_evaluations')
