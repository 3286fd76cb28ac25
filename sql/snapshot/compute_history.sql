-- The values of one KPI as of many dates (days): its query runs once for all of them, with `latest` and `changes` of each.
insert into kpi_computed
select $kpi, mission, {dimensions}, as_of, value, missions, missions_expected
from days as d, lateral (
    with latest as (
        select * exclude (holds_from, holds_until, previous_period_end, previous_value), d.as_of as as_of
        from holdings
        where holds_from <= d.as_of and (holds_until is null or holds_until > d.as_of)
    ),
    changes as (
        select
            indicator, mission, dimensions, period_start, period_end, value, previous_period_end, previous_value,
            value - previous_value as change, d.as_of as as_of
        from holdings
        where holds_from <= d.as_of and (holds_until is null or holds_until > d.as_of)
            and value is not null and previous_value is not null
    )
    select {labels}, value, {missions} as missions, {missions_expected} as missions_expected
    from ({query})
    where value is not null
)
