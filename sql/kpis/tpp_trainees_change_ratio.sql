-- kpi: tpp_trainees_change_ratio
-- title: Change in Triangular Partnership trainees
-- title_fr: Variation des personnes formées par le Partenariat triangulaire
-- description: People trained under the Triangular Partnership Programme in the cycle compared with the previous cycle, by the printed totals; 1.14 is 114 % more.
-- description_fr: Personnes formées au titre du Programme de partenariat triangulaire pendant le cycle comparées au cycle précédent, d’après les totaux publiés ; 1,14 correspond à 114 % de plus.
-- unit: ratio  better: higher  priority: capabilities_and_mindsets
-- labels: mission
-- inputs: tpp_trainees
with figures as (
    select mission, change / nullif(previous_value, 0) as value
    from changes
    where indicator = 'tpp_trainees'
        and mission = 'ALL'
        and dimensions['training'] = 'All'
)
select mission, value
from figures
where value is not null
