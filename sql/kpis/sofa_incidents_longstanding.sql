-- kpi: sofa_incidents_longstanding
-- title: Longstanding SOFA or SOMA incidents
-- description: All incidents on record less the new ones of the cycle: those unresolved from before it. ALL is the sum over the missions that have both figures.
-- unit: count  better: lower  priority: host_country_cooperation
-- labels: mission
-- inputs: sofa_incidents_new, sofa_incidents_total
with incidents as (
    select t.mission, t.value - n.value as longstanding
    from latest as t
    join latest as n using (mission, period_start, period_end)
    where t.indicator = 'sofa_incidents_total'
        and n.indicator = 'sofa_incidents_new'
        and t.mission <> 'ALL'
        and t.value is not null
        and n.value is not null
),
figures as (
    select mission, longstanding as value
    from incidents
    union all
    select 'ALL' as mission, sum(longstanding) as value
    from incidents
)
select mission, value
from figures
where value is not null
