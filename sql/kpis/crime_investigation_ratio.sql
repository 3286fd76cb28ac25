-- kpi: crime_investigation_ratio
-- title: Crimes against peacekeepers investigated by the host state
-- title_fr: Crimes contre des Casques bleus sur lesquels le pays hôte a enquêté
-- short_title: Crimes investigated
-- short_title_fr: Crimes ayant fait l’objet d’une enquête
-- description: Cases investigated over cases reported, cumulative since 2013; a mission without cases has no value. ALL excludes MINUSMA, as in the report. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Affaires ayant fait l’objet d’une enquête rapportées aux affaires signalées, en cumul depuis 2013 ; une mission sans affaire n’a pas de valeur. ALL exclut la MINUSMA, comme dans le rapport. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers  maximum: 1
-- labels: mission
-- inputs: crime_cases_reported, crime_cases_investigated
with cases as (
    select r.mission, r.period_start, r.period_end, i.value as investigated, r.value as reported
    from latest as r
    join latest as i using (mission, period_start, period_end)
    where r.indicator = 'crime_cases_reported'
        and i.indicator = 'crime_cases_investigated'
        and r.mission <> 'ALL'
        and r.value is not null
        and i.value is not null
),
newest as (
    select mission, investigated, reported
    from cases
    where mission <> 'MINUSMA'
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, investigated, reported, null as missions
    from cases
    union all
    select 'ALL' as mission, sum(investigated) as investigated, sum(reported) as reported, list(mission) as missions
    from newest
),
figures as (
    select mission, investigated / nullif(reported, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
