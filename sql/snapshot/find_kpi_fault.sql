-- The first value, of these KPIs, that cannot be exposed.
with faults as (
    select kpi, as_of, mission, dimensions, value, count(*) over (partition by kpi, as_of, mission, dimensions) as occurrences
    from kpi_computed
    where list_contains($kpis::varchar[], kpi)
)
select
    kpi, as_of, mission, dimensions,
    case
        when not isfinite(value) then 'is not finite; use nullif in the division'
        when mission is null then 'has no mission; every row needs one'
        else 'occurs more than once; group by the labels'
    end as problem
from faults
where occurrences > 1 or not isfinite(value) or mission is null
order by kpi
limit 1
