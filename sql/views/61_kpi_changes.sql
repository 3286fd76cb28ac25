-- Totals over missions and their changes: both values are over the same missions (docs/decisions/totals-over-missions.md).

-- The missions that two totals have in common, sorted; none if one of them is not a total.
create or replace macro common_missions(missions, previous_missions) as list_sort(list_intersect(missions, previous_missions));

create or replace macro has_other_missions(missions, previous_missions) as missions is distinct from previous_missions;

create or replace view store.common_totals as
select *
from store.kpi_changes
where computed_at <= known_at_time()
qualify row_number() over (partition by kpi, mission, dimensions, as_of, previous_as_of order by computed_at desc) = 1;

comment on view store.common_totals is 'A row is a KPI total and an earlier one, both computed over the missions that the two have in common.';

-- A value is compared with the previous one and, for the document of a cycle, with the one valid when the cycle began: the one before
-- the first of the cycle. An asof join returns wrong rows where dimensions are compared (DuckDB 1.5.5).
-- `computed` names a table of current KPI values.
create or replace macro store.kpi_pairs_of(computed) as table
with followed as (
    select
        *,
        lag({'as_of': as_of, 'value': value, 'missions': missions}) over (
            partition by kpi, mission, dimensions order by as_of
        ) as before
    from query_table(computed)
),
in_cycles as (
    select
        f.*,
        first_value(f.before) over (
            partition by f.kpi, f.mission, f.dimensions, c.cycle order by f.as_of
        ) as before_cycle
    from followed as f
    join store.cycle_calendar as c on f.as_of between c.period_start and c.period_end
),
pairs as (
    select kpi, mission, dimensions, as_of, value, missions, missions_expected, before as earlier, true as is_value_before
    from followed
    union all
    select kpi, mission, dimensions, as_of, value, missions, missions_expected, before_cycle, false
    from in_cycles
    where before_cycle.as_of <> before.as_of
)
select
    kpi, mission, dimensions, as_of, earlier.as_of as previous_as_of, is_value_before, value, earlier.value as previous_value,
    missions, earlier.missions as previous_missions, missions_expected
from pairs
where value is not null and earlier.value is not null;

create or replace view store.kpi_pairs as
from store.kpi_pairs_of('store.current_kpi_values');

comment on view store.kpi_pairs is 'A row is a pair of compared KPI values of one series.';

create or replace view store.computed_kpi_comparisons as
with compared as (
    select
        p.kpi, p.mission, p.dimensions, p.as_of, p.previous_as_of, p.is_value_before, p.missions_expected,
        common_missions(p.missions, p.previous_missions) as missions,
        has_other_missions(p.missions, p.previous_missions) as is_restricted,
        if(has_other_missions(p.missions, p.previous_missions), c.value, p.value) as value,
        if(has_other_missions(p.missions, p.previous_missions), c.previous_value, p.previous_value) as previous_value
    from store.kpi_pairs as p
    left join store.common_totals as c
        on c.kpi = p.kpi and c.mission = p.mission and c.dimensions = p.dimensions and c.as_of = p.as_of
        and c.previous_as_of = p.previous_as_of and c.missions = common_missions(p.missions, p.previous_missions)
)
select *, value - previous_value as change, len(missions)::integer as missions_used
from compared
where value is not null and previous_value is not null;

comment on view store.computed_kpi_comparisons is 'A row is as in store.compared_kpi_values, computed from current values.';

create or replace view store.stored_kpi_comparisons as
select
    kpi, mission, dimensions, as_of, previous_as_of, is_value_before, missions_expected, missions, is_restricted, value,
    previous_value, change, missions_used
from cache.kpi_comparisons;

comment on view store.stored_kpi_comparisons is 'A row is as in store.compared_kpi_values, as of the date of the copy.';

create or replace view store.compared_kpi_values as
from query_table(store.choose_stored('kpi_comparisons'));

comment on view store.compared_kpi_values is 'A row is a pair of compared KPI values of one series over the same missions; is_restricted: computed over the common missions.';

create or replace view kpi_changes as
select
    kpi, mission, dimensions, as_of, value, previous_as_of, previous_value, change, missions, missions_used, missions_expected
from store.compared_kpi_values
where is_value_before and as_of <= as_of_date();

comment on view kpi_changes is 'A row is a KPI value with the previous one. Totals over missions are computed for both dates over their common missions; without common missions there is no row.';
