-- kpi: crime_conviction_ratio
-- title: Suspects tried for crimes against peacekeepers who were convicted
-- title_fr: Suspects jugés pour des crimes contre des Casques bleus qui ont été condamnés
-- short_title: Tried suspects convicted
-- short_title_fr: Suspects jugés et condamnés
-- description: Suspects convicted over suspects tried, cumulative since 2013; a mission without trials has no value. The report describes it as a share of suspects identified. ALL excludes MINUSMA, as in the report. ALL covers the missions with both values in the newest period that any mission reported.
-- description_fr: Suspects condamnés rapportés aux suspects jugés, en cumul depuis 2013 ; une mission sans procès n’a pas de valeur. Le rapport présente cette part par rapport aux suspects identifiés. ALL exclut la MINUSMA, comme dans le rapport. ALL porte sur les missions ayant les deux valeurs à la période la plus récente communiquée par au moins une mission.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers  maximum: 1
-- labels: mission
-- inputs: crime_suspects_tried, crime_suspects_convicted
with suspects as (
    select t.mission, t.period_start, t.period_end, c.value as convicted, t.value as tried
    from latest as t
    join latest as c using (mission, period_start, period_end)
    where t.indicator = 'crime_suspects_tried'
        and c.indicator = 'crime_suspects_convicted'
        and t.mission <> 'ALL'
        and t.value is not null
        and c.value is not null
),
newest as (
    select mission, convicted, tried
    from suspects
    where mission <> 'MINUSMA'
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, convicted, tried, null as missions
    from suspects
    union all
    select 'ALL' as mission, sum(convicted) as convicted, sum(tried) as tried, list(mission) as missions
    from newest
),
figures as (
    select mission, convicted / nullif(tried, 0) as value, missions
    from with_total
)
select mission, value, missions
from figures
where value is not null
