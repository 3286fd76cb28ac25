-- A row is a mission, with dimension values, that the back-tested threshold matches but another one governs.
-- Reads the tables of back_test.sql.
with meant as (
    select distinct metric, mission, dimensions, comparison, severity
    from store.matching_thresholds('tested_thresholds', 'tested_holdings')
    where set_by = 'tested'
),
governing as (
    from governing_thresholds('tested_thresholds', 'tested_holdings')
)
select distinct mission, g.threshold_dimensions as dimensions, g.threshold_mission = mission as is_own, g.limit_value as "limit"
from meant as m
join governing as g using (metric, mission, dimensions, comparison, severity)
where g.set_by <> 'tested'
order by mission, dimensions::varchar
