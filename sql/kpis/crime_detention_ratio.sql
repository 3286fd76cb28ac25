-- kpi: crime_detention_ratio
-- title: Suspects of crimes against peacekeepers detained
-- short_title: Identified suspects detained
-- description: Suspects detained over suspects identified, cumulative since 2013; a mission without suspects has no value. ALL excludes MINUSMA, as in the report. ALL covers the missions with both values in the newest period that any mission reported.
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
