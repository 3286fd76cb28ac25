-- The totals of one KPI over the missions and as of the dates of kpi_common_dates: its query runs once for all of them.
insert into kpi_common
select $kpi, mission, {dimensions}, as_of, base, value
from (select as_of, missions as base from kpi_common_dates where kpi = $kpi) as d, lateral (
    with latest as (
        select * exclude (holds_from, holds_until, previous_period_end, previous_value), d.as_of as as_of
        from holdings
        where holds_from <= d.as_of and (holds_until is null or holds_until > d.as_of)
            and list_contains(d.base, mission) and list_contains($inputs::varchar[], indicator)
    ),
    changes as (
        select
            indicator, mission, dimensions, period_start, period_end, value, previous_period_end, previous_value,
            value - previous_value as change, d.as_of as as_of
        from holdings
        where holds_from <= d.as_of and (holds_until is null or holds_until > d.as_of)
            and value is not null and previous_value is not null
            and list_contains(d.base, mission) and list_contains($inputs::varchar[], indicator)
    )
    select *
    from ({query})
    where isfinite(value) and list_sort(missions) = d.base
)
