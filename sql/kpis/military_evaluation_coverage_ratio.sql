-- kpi: military_evaluation_coverage_ratio
-- title: Evaluations per military unit
-- title_fr: Évaluations par unité militaire
-- description: Evaluations of military units in the cycle over units in the mission. Can exceed 1, and 1 does not mean that every unit was evaluated: a unit may be evaluated more than once. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Évaluations d’unités militaires pendant le cycle rapportées aux unités de la mission. Peut dépasser 1, et 1 ne signifie pas que chaque unité a été évaluée : une unité peut l’être plus d’une fois. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: military_units, military_unit_evaluations
select mission, value, missions as missions
from store.evaluation_coverage('latest', 'military_units', 'military_unit_evaluations')
