-- The one row says whether a series of totals has values over different missions.
select count(*) > 0
from (
    select kpi
    from store.kpi_values
    where missions is not null
    group by kpi, mission, dimensions
    having min(missions) <> max(missions)
)
