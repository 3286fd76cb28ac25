-- kpi: indicator_age_days
-- title: Age of the values
-- title_fr: Âge des valeurs
-- description: Days since the last day of the period of the current value, the newest over the dimensions of an indicator. An indicator without a current value has no age.
-- description_fr: Jours écoulés depuis le dernier jour de la période de la valeur actuelle, la plus récente parmi les dimensions d’un indicateur. Un indicateur sans valeur actuelle n’a pas d’âge.
-- unit: days  better: lower  priority: all
-- labels: mission, indicator
-- inputs: *
with held as (
    select l.mission, l.indicator, l.as_of, max(l.period_end) as period_end
    from latest as l
    where l.value is not null and l.indicator in (select indicator from indicators)
    group by l.mission, l.indicator, l.as_of
)
select mission, indicator, (as_of - period_end)::double as value
from held
