-- A row is a threshold that governs a series of an indicator.
with shown as (
    select distinct i.metric, o.mission, o.dimensions
    from observations as o
    join indicators as i using (indicator)
    where o.indicator = $indicator and ($mission is null or o.mission = $mission)
)
select name_series(mission, dimensions) as series, comparison, limit_value as value
from governing_thresholds(thresholds, shown)
order by all
