-- A row of counted_cells is a cell of `recounted` with its count; a null value with status M ends a series, with O removes a count.
create or replace temp table counted_cells as
with needed as (
    select distinct r.indicator, r.mission, p.number, p.period_start, p.period_end, p.is_open
    from recounted as r
    join count_periods as p on p.indicator = r.indicator and p.number between r.number - 1 and r.number
),
candidates as (
    select distinct e.event_id
    from store.events as e
    join needed as n on n.mission = e.mission and e.occurred_on between n.period_start and n.period_end
    where e.feed = $feed
),
current_events as (
    select *
    from store.events
    where feed = $feed and event_id in (select event_id from candidates)
    qualify store.event_order(updated_at, precedence)
        = max(store.event_order(updated_at, precedence)) over (partition by event_id)
),
placed as (
    select
        n.indicator, n.mission, n.number,
        if(
            r.dimension is null,
            map {}::map(varchar, varchar),
            map {r.dimension: count_field(e.kind, e.state, e.attributes, r.field)}
        ) as dimensions,
        list_contains(r.provisional_states, e.state) as is_pending
    from current_events as e
    join needed as n on n.mission = e.mission and e.occurred_on between n.period_start and n.period_end
    join counting_rules as r using (indicator)
    where e.state <> 'withdrawn' and has_counted_fields(e.kind, e.state, e.attributes, r.conditions)
),
counts as (
    select indicator, mission, number, dimensions, count(*) as value
    from placed
    group by all
),
pending as (
    select indicator, mission, number, count(*) as events
    from placed
    where is_pending
    group by all
),
-- Zero is a count only for a mission that existed in the period.
existing as (
    select n.*
    from needed as n
    join store.current_missions as m using (mission)
    where existed_in(m.status, m.opened_on, m.closed_on, m.interrupted_from, m.interrupted_until, n.period_start, n.period_end)
),
cells as (
    select e.indicator, e.mission, e.number, unnest(r.combinations) as dimensions
    from existing as e
    join counting_rules as r using (indicator)
    union
    select indicator, mission, number, dimensions
    from counts
),
valued as (
    select
        c.*, coalesce(v.value, 0)::double as value, if(p.is_open or w.events > 0, 'P', 'A') as status
    from cells as c
    join count_periods as p using (indicator, number)
    left join counts as v using (indicator, mission, number, dimensions)
    left join pending as w using (indicator, mission, number)
),
ends as (
    select c.indicator, c.mission, c.number + 1 as number, c.dimensions
    from cells as c
    where exists (from count_periods as p where p.indicator = c.indicator and p.number = c.number + 1)
        and (c.indicator, c.mission, c.number + 1, c.dimensions) not in (select (indicator, mission, number, dimensions) from cells)
),
result as (
    select indicator, mission, number, dimensions, value, status from valued
    union all
    select indicator, mission, number, dimensions, null, 'M' from ends
)
select x.indicator, x.mission, x.dimensions, p.period_start, p.period_end, x.value, x.status
from result as x
join recounted as r using (indicator, mission, number)
join count_periods as p using (indicator, number);

-- A row of recorded_counts is the current revision of a cell of a counted indicator.
create or replace temp table recorded_counts as
select
    s.indicator, s.mission, s.dimensions, o.series_id, o.period_start, o.period_end,
    arg_max_null(o.value, o.batch_id) as value, arg_max(o.status, o.batch_id) as status
from store.series as s
join store.observations as o using (series_id)
where s.indicator in (select indicator from counting_rules)
group by all;

-- A row of changed_counts is a cell to record: new, or with another value or status.
create or replace temp table changed_counts as
with removed as (
    -- A recorded count without a counted one: its events are gone, or the exports do not reach its period.
    select c.indicator, c.mission, c.dimensions, c.period_start, c.period_end, if(c.period_start > d.covered_until, 'O', 'M') as status
    from recorded_counts as c
    cross join count_dates as d
    left join count_periods as p using (indicator, period_start, period_end)
    where c.value is not null
        and (d.is_whole or (c.indicator, c.mission, p.number) in (select (indicator, mission, number) from recounted))
        and (c.indicator, c.mission, c.dimensions, c.period_start, c.period_end)
            not in (select (indicator, mission, dimensions, period_start, period_end) from counted_cells)
),
cells as (
    select * from counted_cells
    union all by name
    select *, null::double as value from removed
),
named as (
    select indicator, mission, field_name, number, event_id, is_after
    from (
        select
            r.indicator, e.mission, p.number, e.event_id, e.is_after,
            if(r.dimension is null, null, count_field(e.kind, e.state, e.attributes, r.field)) as field_name
        from changed_events as e
        join count_periods as p on e.occurred_on between p.period_start and p.period_end
        join counting_rules as r on r.indicator = p.indicator and list_contains(r.expected_missions, e.mission)
        where has_counted_fields(e.kind, e.state, e.attributes, r.conditions)
    )
),
moves as (
    select
        coalesce(b.indicator, a.indicator) as indicator, b.mission as mission_before, b.number as number_before,
        b.field_name as field_before, a.mission as mission_after, a.number as number_after, a.field_name as field_after,
        case
            when b.event_id is null then 'added'
            when a.event_id is null then 'removed'
            when (a.mission, a.number) <> (b.mission, b.number) then 'moved from ' || b.mission || ', '
                || y.period_start || '/' || y.period_end || ' to ' || a.mission || ', ' || z.period_start || '/' || z.period_end
            else 'reclassified from ' || b.field_name || ' to ' || a.field_name
        end as what
    from (from named where not is_after) as b
    full join (from named where is_after) as a using (indicator, event_id)
    left join count_periods as y on y.indicator = coalesce(b.indicator, a.indicator) and y.number = b.number
    left join count_periods as z on z.indicator = coalesce(b.indicator, a.indicator) and z.number = a.number
    where (a.mission, a.number, a.field_name) is distinct from (b.mission, b.number, b.field_name)
),
reasons as (
    select indicator, mission_before as mission, number_before as number, field_before as field_name, what from moves where mission_before is not null
    union all
    select indicator, mission_after, number_after, field_after, what from moves where mission_after is not null
),
summed as (
    select indicator, mission, number, field_name, what, count(*) as events
    from reasons
    group by all
),
explained as (
    select indicator, mission, number, field_name, string_agg(events || ' ' || what, '; ' order by events desc, what) as reason
    from summed
    group by all
)
select
    c.indicator, c.mission, c.dimensions, c.period_start, c.period_end, c.value, c.status,
    o.value as previous_value, o.status as previous_status, o.series_id is not null as is_revision,
    case
        when o.series_id is null then null
        when c.status = 'O' then 'the exports cover events until ' || d.covered_until
        when d.is_first then 'replaces the count shipped with the catalogue'
        when x.reason is not null then x.reason
        when c.status = 'M' then 'the mission did not exist in the period'
        when o.status = 'O' then 'the exports cover events until ' || d.covered_until
        when c.value is not distinct from o.value and c.status = 'P' then 'has pending events'
        when c.value is not distinct from o.value then 'complete: the exports cover events until ' || d.covered_until
        else 'counted by another rule'
    end as note
from cells as c
cross join count_dates as d
left join recorded_counts as o using (indicator, mission, dimensions, period_start, period_end)
left join count_periods as p using (indicator, period_start, period_end)
left join explained as x
    on x.indicator = c.indicator and x.mission = c.mission and x.number = p.number
    and x.field_name is not distinct from map_values(c.dimensions)[1]
where o.series_id is null or c.value is distinct from o.value or c.status <> o.status;
