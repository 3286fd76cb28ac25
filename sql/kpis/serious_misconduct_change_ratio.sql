-- kpi: serious_misconduct_change_ratio
-- title: Change in serious misconduct allegations
-- title_fr: Variation des allégations de faute grave
-- description: Allegations of serious misconduct (without sexual exploitation and abuse) of the calendar year compared with the previous year; 0.29 is 29 % more.
-- description_fr: Allégations de faute grave (hors exploitation et atteintes sexuelles) de l’année civile comparées à l’année précédente ; 0,29 correspond à 29 % de plus.
-- unit: ratio  better: lower  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: serious_misconduct_allegations
with figures as (
    select mission, change / nullif(previous_value, 0) as value
    from changes
    where indicator = 'serious_misconduct_allegations'
        and mission = 'ALL'
)
select mission, value
from figures
where value is not null
