-- A row is a series of $shown, a JSON list of name and dimensions, with minimum, median, maximum, sum and count over the missions
-- other than $mission and ALL.
with shown as materialized (
    select unnest(from_json($shown::json, '[{"name": "VARCHAR", "dimensions": "MAP(VARCHAR, VARCHAR)"}]'), recursive := true)
),
current_values as (
    select indicator as name, mission, dimensions, value
    from latest
    -- By name first: comparing all dimensions would take seconds with 1,000,000 series.
    where indicator in (select name from shown)
    union all
    select kpi, mission, dimensions, value
    from kpi_latest
    where kpi in (select name from shown)
)
select
    name, dimensions,
    min(value) as minimum, median(value) as median, max(value) as maximum, sum(value) as total, count(*) as missions
from current_values
where mission not in ($mission, 'ALL') and value is not null and (name, dimensions) in (select (name, dimensions) from shown)
group by all
