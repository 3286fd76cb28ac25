-- kpi: crime_trial_ratio
-- title: Detained suspects of crimes against peacekeepers brought to trial
-- title_fr: Suspects détenus de crimes contre des Casques bleus traduits en justice
-- short_title: Detained suspects tried
-- short_title_fr: Suspects détenus et jugés
-- description: Suspects tried over suspects detained, cumulative since 2013; a mission without detained suspects has no value. A value above 1 is impossible and means that the counts disagree: the report has 7 tried and 1 detained in UNIFIL, which gives 7. ALL excludes MINUSMA, as in the report. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Suspects jugés rapportés aux suspects détenus, en cumul depuis 2013 ; une mission sans suspects détenus n’a pas de valeur. Une valeur supérieure à 1 est impossible et signifie que les nombres ne concordent pas : le rapport indique 7 jugés et 1 détenu à la FINUL, ce qui donne 7. ALL exclut la MINUSMA, comme dans le rapport. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers  maximum: 1
-- labels: mission
-- inputs: crime_suspects_detained, crime_suspects_tried
with suspects as (
    select d.mission, d.period_start, d.period_end, t.value as tried, d.value as detained
    from latest as d
    join latest as t using (mission, period_start, period_end)
    where d.indicator = 'crime_suspects_detained'
        and t.indicator = 'crime_suspects_tried'
        and d.mission <> 'ALL'
        and d.value is not null
        and t.value is not null
),
newest as (
    select mission, tried, detained
    from suspects
    where mission <> 'MINUSMA'
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, tried, detained, null as missions
    from suspects
    union all
    select 'ALL' as mission, sum(tried) as tried, sum(detained) as detained, list(mission) as missions
    from newest
),
figures as (
    select mission, tried / nullif(detained, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
