-- kpi: crime_detention_ratio
-- title: Suspects of crimes against peacekeepers detained
-- title_fr: Suspects de crimes contre des Casques bleus détenus
-- short_title: Identified suspects detained
-- short_title_fr: Suspects identifiés et détenus
-- description: Suspects detained over suspects identified, cumulative since 2013; a mission without suspects has no value. ALL excludes MINUSMA, as in the report. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Suspects détenus rapportés aux suspects identifiés, en cumul depuis 2013 ; une mission sans suspects n’a pas de valeur. ALL exclut la MINUSMA, comme dans le rapport. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers  maximum: 1
-- labels: mission
-- inputs: crime_suspects_identified, crime_suspects_detained
with suspects as (
    select i.mission, i.period_start, i.period_end, d.value as detained, i.value as identified
    from latest as i
    join latest as d using (mission, period_start, period_end)
    where i.indicator = 'crime_suspects_identified'
        and d.indicator = 'crime_suspects_detained'
        and i.mission <> 'ALL'
        and i.value is not null
        and d.value is not null
),
newest as (
    select mission, detained, identified
    from suspects
    where mission <> 'MINUSMA'
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, detained, identified, null as missions
    from suspects
    union all
    select 'ALL' as mission, sum(detained) as detained, sum(identified) as identified, list(mission) as missions
    from newest
),
figures as (
    select mission, detained / nullif(identified, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
