-- The cells that a mission has to fill in a cycle: one for each expected indicator, period and combination of dimension values.
-- A cell has the value published for it, and that of the newest earlier period of the same length.
with expected as (
    select e.indicator, e.mission, e.period_start, e.period_end, e.due_on, i.ordinal, i.dimensions as known
    from expected_reports as e
    join store.current_indicators as i using (indicator)
    where e.cycle = $cycle and e.mission = $mission
),
-- Every combination of dimension values, in the order of the catalogue; one empty combination without dimensions.
entries as (
    select indicator, unnest(map_entries(known)) as entry
    from (select distinct indicator, known from expected)
),
valued as (
    select indicator, entry.key as dimension, unnest(entry.value) as value, generate_subscripts(entry.value, 1) as position
    from entries
),
combined as (
    with recursive built as (
        select indicator, known, 0 as taken, []::struct(key varchar, value varchar)[] as pairs, []::bigint[] as positions
        from (select distinct indicator, known from expected)
        union all
        select b.indicator, b.known, b.taken + 1, list_append(b.pairs, {'key': v.dimension, 'value': v.value}),
            list_append(b.positions, v.position)
        from built as b
        join valued as v on v.indicator = b.indicator and v.dimension = map_keys(b.known)[b.taken + 1]
    )
    select indicator, map_from_entries(pairs) as dimensions, positions
    from built
    where taken = cardinality(known)
),
cells as (
    select e.*, c.dimensions, c.positions
    from expected as e
    join combined as c using (indicator)
),
earlier as (
    select
        c.indicator, c.dimensions, c.period_start,
        arg_max(
            {'value': o.value, 'status': o.status, 'period_start': o.period_start, 'period_end': o.period_end}, o.period_end
        ) as newest
    from cells as c
    join observations as o
        on o.indicator = c.indicator and o.mission = c.mission and o.dimensions = c.dimensions and o.period_end < c.period_end
        and abs((o.period_end - o.period_start) - (c.period_end - c.period_start)) <= 31
    group by all
)
select
    c.indicator, i.title, i.description, i.priority, i.unit, i.source, c.dimensions, c.period_start, c.period_end, c.due_on,
    p.newest.value as previous_value, p.newest.status as previous_status,
    p.newest.period_start || '/' || p.newest.period_end as previous_period,
    o.value as current_value, o.status as current_status
from cells as c
join store.current_indicators as i using (indicator)
left join earlier as p
    on p.indicator = c.indicator and p.dimensions = c.dimensions and p.period_start = c.period_start
left join observations as o
    on o.indicator = c.indicator and o.mission = c.mission and o.dimensions = c.dimensions and o.period_start = c.period_start
    and o.period_end = c.period_end
order by c.ordinal, c.period_end, c.positions;
