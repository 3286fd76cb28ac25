-- The tables that the rules in sql/checks/submission read, created in the rehearsal of a load after its cells were appended,
-- and after the tables of sql/load/prepare_warnings.sql. The rows of relation_sides are filled in before.

-- A row of related_series is a series on one side of a relation, with the dimensions for which the sides are compared.
create or replace temp table related_series as
with chosen as (
    select
        r.relation, r.side, r.scope, r.compared_by, s.series_id, s.indicator, s.mission, s.dimensions,
        m.status = 'aggregate' as is_aggregate
    from relation_sides as r
    join store.series as s using (indicator)
    join store.current_missions as m using (mission)
    where len(list_filter(map_keys(r.chosen), lambda name: not list_contains(r.chosen[name], s.dimensions[name]))) = 0
)
select
    relation, side, scope, series_id, indicator,
    -- Missions are added up to the mission of the total.
    if(scope in ('sum', 'count'), (select min(mission) from store.current_missions where status = 'aggregate'), mission)
        as compared_mission,
    map_from_entries(
        list_filter(map_entries(dimensions), lambda entry: list_contains(compared_by, entry.key))
    ) as compared
from chosen
where case scope
    when 'mission' then true
    when 'total' then is_aggregate
    else not is_aggregate and (indicator, mission) in (select (indicator, mission) from store.expected_missions)
end;

-- A row of staged_relations is a relation of a mission and period with a cell of the file. A total over missions is compared only if
-- the file has the total: a mission is not responsible for it.
create or replace temp table staged_relations as
select
    r.relation, r.compared_mission, r.compared, s.period_start, s.period_end,
    arg_min(
        {'series_id': s.series_id, 'file_ordinal': s.file_ordinal, 'file_row': s.file_row}, (r.side, s.file_ordinal, s.file_row)
    ) as cell
from staged_observations as s
join related_series as r using (series_id)
where r.scope in ('mission', 'total')
group by all;

-- A row of related_cells is the current value of a cell of these relations after the load.
create or replace temp table related_cells as
with current_cells as (
    select
        o.series_id, o.period_start, o.period_end,
        arg_max({'value': o.value, 'status': o.status}, o.batch_id) as newest
    from store.observations as o
    semi join related_series using (series_id)
    semi join staged_relations using (period_start, period_end)
    group by all
)
select
    r.relation, r.side, r.compared_mission, r.compared, c.period_start, c.period_end, r.indicator,
    if(r.scope = 'count', (c.newest.value > 0)::integer, c.newest.value)::double as value,
    c.newest.value is null and c.newest.status <> 'M' as is_missing
from related_series as r
join current_cells as c using (series_id)
semi join staged_relations using (relation, compared_mission, compared, period_start, period_end);

-- A row of relation_values is one side of a relation of a mission and period: the sum of its values, and how many are missing.
-- answers counts cells with any status: they were answered, if only as missing. is_expected: the mission has to report the indicator.
create or replace temp table relation_values as
select
    g.relation, g.compared_mission, g.compared, g.period_start, g.period_end, s.side, s.indicator,
    sum(c.value) as value,
    count(c.indicator) as answers,
    s.combinations * if(
        s.scope in ('sum', 'count'),
        (
            select count(*)
            from store.expected_missions as e
            where e.indicator = s.indicator and is_open_on(e.status, e.opened_on, e.closed_on, g.period_end)
        ),
        1
    ) as expected,
    count(*) filter (where not c.is_missing) as present,
    (s.indicator, g.compared_mission) in (select (indicator, mission) from store.expected_missions) as is_expected
from staged_relations as g
join relation_sides as s using (relation)
left join related_cells as c using (relation, compared_mission, compared, period_start, period_end, side)
group by all;

-- A row of compared_sides is a relation of two sides of a mission and period: both values, and how many are missing of those expected.
create or replace temp table compared_sides as
select
    s.kind, g.cell.series_id, v.period_start, v.period_end, v.relation, s.tolerance,
    any_value(v.indicator) filter (where v.side = 0) as first_indicator,
    any_value(v.indicator) filter (where v.side = 1) as second_indicator,
    any_value(v.value) filter (where v.side = 0) as first_value,
    any_value(v.value) filter (where v.side = 1) as second_value,
    sum(greatest(v.expected - v.present, 0)) as missing,
    sum(v.expected) as expected
from relation_values as v
join staged_relations as g using (relation, compared_mission, compared, period_start, period_end)
join (select distinct relation, kind, tolerance from relation_sides) as s using (relation)
group by all;

create or replace temp table found_findings (
    rule varchar,
    series_id integer,
    period_start date,
    period_end date,
    relation integer,
    message varchar,
    missing bigint default 0,
    expected bigint default 1
);
