-- A row is as in store.current_kpi_values, of a KPI with totals.
create or replace temp table kpi_current as
from store.current_kpi_values
where kpi in (select kpi from store.kpi_values where missions is not null);

-- A row is a pair of totals of a KPI that cover different missions, with their common missions: pairs that the new values can
-- change, and pairs that were never computed over these missions.
create or replace temp table kpi_common_pairs as
with pairs as (
    select kpi, mission, dimensions, as_of, previous_as_of, common_missions(missions, previous_missions) as missions
    from store.kpi_pairs_of('kpi_current')
    where has_other_missions(missions, previous_missions)
)
select p.*
from pairs as p
where len(p.missions) > 0
    and (
        (p.kpi, p.as_of) in (select (kpi, as_of) from kpi_dates)
        or (p.kpi, p.previous_as_of) in (select (kpi, as_of) from kpi_dates)
        or (p.kpi, p.mission, p.dimensions, p.as_of, p.previous_as_of, p.missions) not in (
            select (kpi, mission, dimensions, as_of, previous_as_of, missions)
            from store.common_totals
        )
    );

drop table kpi_current;

-- A row is a date and missions that a KPI is computed over.
create or replace temp table kpi_common_dates as
select kpi, as_of, missions from kpi_common_pairs
union
select kpi, previous_as_of, missions from kpi_common_pairs;

create or replace temp table kpi_common (
    kpi varchar,
    mission varchar,
    dimensions map(varchar, varchar),
    as_of date,
    missions varchar[],
    value double
);
