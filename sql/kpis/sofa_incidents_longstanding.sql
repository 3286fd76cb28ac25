-- kpi: sofa_incidents_longstanding
-- title: Longstanding SOFA or SOMA incidents
-- title_fr: Incidents SOFA ou SOMA de longue date
-- description: All incidents on record minus the new ones of the cycle: incidents unresolved from before the cycle. ALL is the sum over the missions with both values in the newest period that any mission reported.
-- description_fr: Tous les incidents enregistrés moins les nouveaux du cycle : incidents non réglés antérieurs au cycle. ALL est la somme des missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: count  better: lower  priority: host_country_cooperation
-- labels: mission
-- inputs: sofa_incidents_new, sofa_incidents_total
with incidents as (
    select t.mission, t.period_start, t.period_end, t.value - n.value as longstanding
    from latest as t
    join latest as n using (mission, period_start, period_end)
    where t.indicator = 'sofa_incidents_total'
        and n.indicator = 'sofa_incidents_new'
        and t.mission <> 'ALL'
        and t.value is not null
        and n.value is not null
),
newest as (
    select mission, longstanding
    from incidents
    qualify is_newest_period(period_start, period_end)
),
figures as (
    select mission, longstanding as value, null as missions
    from incidents
    union all
    select 'ALL' as mission, sum(longstanding) as value, list(mission) as missions
    from newest
)
select mission, value, missions
from figures
where value is not null
