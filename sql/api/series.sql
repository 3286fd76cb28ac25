-- A row is a series with the first and last day of its observations and their number.
select
    o.indicator, o.mission, o.dimensions, i.metric, min(o.period_start) as first_day, max(o.period_end) as last_day,
    count(*) as observations,
    concat_ws('|', o.indicator, o.mission, o.dimensions) as key
from observations as o
left join indicators as i using (indicator)
where o.period_end <= as_of_date()
    and ($indicator::varchar[] is null or list_contains($indicator::varchar[], o.indicator))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], o.mission))
    and ($dimension::varchar[] is null or has_dimensions(o.dimensions, $dimension::varchar[]))
group by all
