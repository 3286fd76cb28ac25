-- A row is a mission, with dimension values, that the back-tested threshold matches but another one governs.
-- Reads the tables of try.sql.
with meant as (
    select distinct metric, mission, dimensions, comparison, severity
    from store.matching_thresholds('tried_thresholds', 'tried_holdings')
    where set_by = 'tried'
),
governing as (
    from governing_thresholds('tried_thresholds', 'tried_holdings')
)
select distinct mission, g.threshold_dimensions as dimensions, g.threshold_mission = mission as is_own, g.limit_value
from meant as m
join governing as g using (metric, mission, dimensions, comparison, severity)
where g.set_by <> 'tried'
order by mission, dimensions::varchar
