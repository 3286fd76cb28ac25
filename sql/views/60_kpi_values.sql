-- KPI values: all computed values, and the current ones.
-- A KPI is computed as of each date on which a period of any of its inputs ended, for every mission. If a mission reported no
-- input for such a period, its value repeats an earlier one and has no row, so that it never has the later date. A KPI over events
-- has a row of each day on which its value changed.
create or replace view kpi_values as
with reported as (
    select distinct p.kpi, g.mission, g.period_end
    from store.given_reports as g
    join store.kpi_inputs as p using (indicator)
),
-- A total repeats an earlier one if none of its missions reported for such a period: another mission reported some inputs.
reporters as (
    select kpi, period_end as as_of, list(mission) as reporting
    from reported
    group by kpi, period_end
),
totals as (
    select v.*, min(v.as_of) over (partition by v.kpi, v.mission, v.dimensions, v.value, v.missions) as first_as_of
    from store.kpi_values as v
    where v.value is not null and v.missions is not null
)
select kpi, mission, dimensions, as_of, value, computed_at, missions, missions_used, missions_expected
from store.kpi_values
where value is null
    or missions is null and kpi in (select kpi from store.kpi_inputs where indicator = '*')
    or kpi in (select kpi from store.newest_kpis where feed is not null)
    or missions is null and (kpi, mission, as_of) in (select (kpi, mission, period_end) from reported)
union all
select
    t.kpi, t.mission, t.dimensions, t.as_of, t.value, t.computed_at, t.missions, t.missions_used, t.missions_expected
from totals as t
left join reporters as r using (kpi, as_of)
where t.as_of = t.first_as_of or list_has_any(t.missions, coalesce(r.reporting, []));

comment on view kpi_values is 'A row is a KPI value as of the end of a period that its mission reported, as computed at one time; a correction is a later row with a new computed_at.';

create or replace view store.computed_kpi_values as
select *
from main.kpi_values
where computed_at <= known_at_time()
qualify row_number() over (partition by kpi, mission, dimensions, as_of order by computed_at desc) = 1;

comment on view store.computed_kpi_values is 'A row is as in store.current_kpi_values, computed from all computed values.';

create or replace view store.stored_kpi_values as
select kpi, mission, dimensions, as_of, value, computed_at, missions, missions_used, missions_expected
from cache.kpi_values;

comment on view store.stored_kpi_values is 'A row is as in store.current_kpi_values, of a copy.';

create or replace view store.current_kpi_values as
from query_table(store.choose_copied('kpi_values'));

comment on view store.current_kpi_values is 'A row is the last computed KPI value as of a date.';

create or replace view kpi_latest as
select
    v.kpi, v.mission, v.dimensions, v.as_of, v.value, v.computed_at, v.missions, v.missions_used, v.missions_expected
from store.current_kpi_values as v
semi join kpis using (kpi)
where v.as_of <= as_of_date()
qualify row_number() over (partition by v.kpi, v.mission, v.dimensions order by v.as_of desc) = 1
    and v.value is not null;

comment on view kpi_latest is 'A row is the current value of a KPI as of the variable as_of (today when unset).';
