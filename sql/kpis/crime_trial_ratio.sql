-- kpi: crime_trial_ratio
-- title: Detained suspects of crimes against peacekeepers brought to trial
-- description: Suspects tried over suspects detained, cumulative since 2013; a mission without detained suspects has no figure. Can pass 1 where the counts disagree: the report has seven tried and one detained in UNIFIL, which gives 7. ALL leaves out MINUSMA, as the report does.
-- unit: ratio  better: higher  priority: accountability_to_peacekeepers
-- labels: mission
-- inputs: crime_suspects_detained, crime_suspects_tried
with suspects as (
    select d.mission, t.value as tried, d.value as detained
    from latest as d
    join latest as t using (mission, period_start, period_end)
    where d.indicator = 'crime_suspects_detained'
        and t.indicator = 'crime_suspects_tried'
        and d.mission <> 'ALL'
        and d.value is not null
        and t.value is not null
),
with_total as (
    select mission, tried, detained
    from suspects
    union all
    select 'ALL' as mission, sum(tried) as tried, sum(detained) as detained
    from suspects
    where mission <> 'MINUSMA'
),
figures as (
    select mission, tried / nullif(detained, 0) as value
    from with_total
)
select mission, value
from figures
where value is not null
