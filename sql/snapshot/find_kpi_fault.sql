-- The first value of a KPI that cannot be exposed.
with faults as (
    select as_of, mission, dimensions, value, count(*) over (partition by as_of, mission, dimensions) as occurrences
    from kpi_computed
    where kpi = $kpi
)
select
    as_of, mission, dimensions,
    case
        when not isfinite(value) then 'is not finite; use nullif in the division'
        when mission is null then 'has no mission; every row needs one'
        else 'occurs more than once; group by the labels'
    end as problem
from faults
where occurrences > 1 or not isfinite(value) or mission is null
limit 1
