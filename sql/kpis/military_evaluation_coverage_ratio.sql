-- kpi: military_evaluation_coverage_ratio
-- title: Evaluations per military unit
-- description: Evaluations of military units in the cycle over units in the mission. Can exceed 1, and 1 does not mean that every unit was evaluated: a unit may be evaluated more than once. ALL covers the missions with both values in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: military_units, military_unit_evaluations
select mission, value, missions as missions
from store.evaluation_coverage('latest', 'military_units', 'military_unit_evaluations')
