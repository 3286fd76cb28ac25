-- A row is a series of one mission with what the other missions (not ALL, which is their whole) have: least, median, most, sum, how many.
with figures as (
    select indicator as name, mission, dimensions, value
    from latest
    union all
    select kpi, mission, dimensions, value
    from kpi_latest
)
select
    name, dimensions,
    min(value) as least, median(value) as middle, max(value) as most, sum(value) as total, count(*) as missions
from figures
where mission not in ($mission, 'ALL') and value is not null
    and (name, dimensions) in (select (name, dimensions) from figures where mission = $mission)
group by all
