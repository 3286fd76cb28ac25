-- A row is a KPI figure from a date on as of which it holds, the newest first; a null value ends the series.
with known as (
    select *
    from store.reported_kpi_values
    where kpi = $kpi and as_of <= as_of_date() and computed_at <= known_at_time() and ($mission is null or mission = $mission)
),
current as (
    select *
    from known
    qualify row_number() over (partition by mission, dimensions, as_of order by computed_at desc) = 1
),
compared as (
    select
        *, compare_totals(value, missions, lag(value) over series, lag(missions) over series) as change,
        lag(value) over series as previous_value,
        name_base(missions_used, missions_expected) as base
    from current
    window series as (partition by mission, dimensions order by as_of)
)
select c.*, if(c.value is null, 'M', 'A') as status, count(*) over () as row_count
from compared as c
left join store.missions as m
    on m.mission = c.mission and m.catalogue_version = (select max(catalogue_version) from store.catalogues)
order by c.as_of desc, m.ordinal, c.dimensions::varchar
limit $most
