-- A row is a series with minimum, median, maximum, sum and count over the missions other than $mission and ALL.
with current_values as (
    select indicator as name, mission, dimensions, value
    from latest
    union all
    select kpi, mission, dimensions, value
    from kpi_latest
)
select
    name, dimensions,
    min(value) as minimum, median(value) as median, max(value) as maximum, sum(value) as total, count(*) as missions
from current_values
where mission not in ($mission, 'ALL') and value is not null
    and (name, dimensions) in (select (name, dimensions) from current_values where mission = $mission)
group by all
