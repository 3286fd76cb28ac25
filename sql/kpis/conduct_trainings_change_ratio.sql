-- kpi: conduct_trainings_change_ratio
-- title: Change in conduct and discipline trainings
-- title_fr: Variation des formations à la déontologie et à la discipline
-- description: Conduct and discipline trainings of the cycle compared with the previous cycle; 0.79 is 79 % more.
-- description_fr: Formations à la déontologie et à la discipline du cycle comparées au cycle précédent ; 0,79 correspond à 79 % de plus.
-- unit: ratio  better: higher  priority: capabilities_and_mindsets
-- labels: mission
-- inputs: conduct_trainings
with figures as (
    select mission, change / nullif(previous_value, 0) as value
    from changes
    where indicator = 'conduct_trainings'
        and mission = 'ALL'
)
select mission, value
from figures
where value is not null
