-- kpi: hospital_reporting_coverage_ratio
-- title: Share of field hospitals that sent reports
-- title_fr: Part des hôpitaux de campagne ayant envoyé des rapports
-- description: Field hospitals that sent service reports in the cycle over field hospitals in the mission; a mission without hospitals has no value. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Hôpitaux de campagne ayant envoyé des rapports d’activité pendant le cycle rapportés aux hôpitaux de campagne de la mission ; une mission sans hôpital n’a pas de valeur. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers  maximum: 1
-- labels: mission
-- inputs: hospitals, hospitals_reporting
with missions_with_hospitals as (
    select h.mission, h.period_start, h.period_end, r.value as reporting, h.value as hospitals
    from latest as h
    join latest as r using (mission, period_start, period_end)
    where h.indicator = 'hospitals'
        and r.indicator = 'hospitals_reporting'
        and h.mission <> 'ALL'
        and h.value > 0
        and r.value is not null
),
newest as (
    select mission, reporting, hospitals
    from missions_with_hospitals
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, reporting, hospitals, null as missions
    from missions_with_hospitals
    union all
    select 'ALL' as mission, sum(reporting) as reporting, sum(hospitals) as hospitals, list(mission) as missions
    from newest
),
figures as (
    select mission, reporting / nullif(hospitals, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
