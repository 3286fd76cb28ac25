-- kpi: missions_reporting_ratio
-- title: Missions that reported the indicator
-- description: Missions that gave a figure, or said that none applies, in the newest period of the indicator, over the missions expected to. A figure that is missing or under validation does not count; an indicator that nobody ever reported has no row.
-- unit: ratio  better: higher  priority: all  maximum: 1
-- labels: mission, indicator
-- inputs: *
with newest as (
    select indicator, max(period_end) as period_end
    from latest
    group by indicator
),
figures as (
    select
        i.indicator,
        count(distinct l.mission) filter (
            where l.status not in ('M', 'U') and list_contains(i.expected_missions, l.mission)
        ) / len(any_value(i.expected_missions)) as value
    from latest as l
    join newest as n on n.indicator = l.indicator and n.period_end = l.period_end
    join indicators as i on i.indicator = l.indicator
    group by i.indicator
)
select 'ALL' as mission, indicator, value
from figures
