-- A row is a value that breaches a threshold, most severe first. $metric and $mission select one metric or mission.
select
    coalesce(i.indicator, k.kpi, b.dimensions['indicator']) as name, coalesce(i.title, k.title, 'Change since the previous period') as title,
    coalesce(i.unit, k.unit, '') as unit, coalesce(i.priority, k.priority, t.priority) as priority, b.metric, b.mission, b.dimensions, b.comparison, b.severity, b.limit_value, b.value,
    b.period_end, b.status, b.unreported_period_end, b.threshold_mission,
    b.threshold_dimensions, b.note
from threshold_breaches as b
left join indicators as i using (metric)
left join kpis as k using (metric)
left join indicators as t on t.indicator = b.dimensions['indicator']
where ($metric is null or b.metric = $metric) and ($mission is null or b.mission = $mission)
order by b.severity = 'critical' desc, b.severity = 'warning' desc, b.metric, b.mission, b.dimensions::varchar
