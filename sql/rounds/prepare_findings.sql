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
-- the file has the total: a mission is not responsible for it. Joins on a number take two thirds of the time of joins on all columns.
create or replace temp table staged_relations as
with staged as (
    select
        r.relation, r.compared_mission, r.compared, s.period_start, s.period_end,
        arg_min(s.series_id, (r.side, s.file_ordinal, s.file_row)) as series_id
    from staged_observations as s
    join related_series as r using (series_id)
    where r.scope in ('mission', 'total')
    group by all
)
select row_number() over () as number, *
from staged;

-- A row of related_sides is the sum of the current values of one side after the load. A status is an answer, if only that the
-- value is missing.
create or replace temp table related_sides as
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
    g.number, r.side,
    sum(if(r.scope = 'count', (c.newest.value > 0)::integer, c.newest.value)) as value,
    count(*) as answers,
    count(*) filter (where c.newest.value is not null or c.newest.status = 'M') as present
from related_series as r
join current_cells as c using (series_id)
join staged_relations as g using (relation, compared_mission, compared, period_start, period_end)
group by g.number, r.side;

-- A row of relation_values is one side of a relation of a mission and period: the sum of its values, and how many are missing.
-- is_expected: the mission has to report the indicator.
create or replace temp table relation_values as
with expected_missions as (
    select s.indicator, p.period_end, count(*) as missions
    from (select distinct indicator from relation_sides where scope in ('sum', 'count')) as s
    join store.expected_missions as e using (indicator)
    join (select distinct period_end from staged_relations) as p
        on is_open_on(e.status, e.opened_on, e.closed_on, p.period_end)
    group by all
)
select
    g.number, g.relation, s.kind, s.tolerance, g.series_id, g.period_start, g.period_end, s.side, s.indicator, c.value,
    coalesce(c.answers, 0) as answers,
    coalesce(c.present, 0) as present,
    s.combinations * if(s.scope in ('sum', 'count'), coalesce(e.missions, 0), 1) as expected,
    m.mission is not null as is_expected
from staged_relations as g
join relation_sides as s using (relation)
left join related_sides as c using (number, side)
left join expected_missions as e on e.indicator = s.indicator and e.period_end = g.period_end
left join store.expected_missions as m on m.indicator = s.indicator and m.mission = g.compared_mission;

-- A row of compared_sides is a relation of two sides of a mission and period: both values, and how many are missing of those expected.
create or replace temp table compared_sides as
select
    f.kind, f.series_id, f.period_start, f.period_end, f.relation, f.tolerance,
    f.indicator as first_indicator, s.indicator as second_indicator, f.value as first_value, s.value as second_value,
    greatest(f.expected - f.present, 0) + greatest(s.expected - s.present, 0) as missing,
    f.expected + s.expected as expected
from relation_values as f
join relation_values as s using (number)
where f.side = 0 and s.side = 1;

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
