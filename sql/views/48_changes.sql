-- The change over all missions of counts that are reported only by mission: both sums are over the missions with a value in the
-- newest period that any mission reported and in the previous period. If no mission has both, there is no row.
-- Names are qualified in macros: in a view of the schema store, `indicators` would be a table with every version of the catalogue.
-- `changed` names store.series_changes, and `current` latest, or tables of some of their rows: all of an indicator and dimensions.
create or replace macro store.total_changes_of(changed, current) as table
with compared as (
    select c.*
    from query_table(changed) as c
    join main.indicators as i using (indicator)
    where i.unit = 'count' and not list_contains(i.expected_missions, 'ALL') and c.mission <> 'ALL'
        and (c.indicator, c.dimensions) not in (select (indicator, dimensions) from query_table(current) where mission = 'ALL')
),
newest as (
    select indicator, dimensions, max((period_end, period_start)) as period
    from query_table(current)
    where mission <> 'ALL' and value is not null
    group by indicator, dimensions
),
inapplicable as (
    select indicator, dimensions, list(mission) as missions
    from query_table(current)
    where status = 'M'
    group by indicator, dimensions
),
-- Missions that were open on the last day of the period (is_open_on).
expected as (
    select n.indicator, n.period_end, list(e.mission) as missions
    from (select distinct indicator, period_end from compared) as n
    join store.indicator_missions as e
        on e.indicator = n.indicator and is_open_on(e.status, e.opened_on, e.closed_on, n.period_end)
    group by n.indicator, n.period_end
),
totals as (
    select
        c.indicator, c.dimensions, c.period_start, c.period_end, c.previous_period_end, sum(c.value) as value,
        sum(c.previous_value) as previous_value, list(c.mission) as missions
    from compared as c
    join newest as n using (indicator, dimensions)
    where (c.period_end, c.period_start) = n.period
    group by all
),
-- Of several previous periods of a cumulative value, the one that most missions have.
chosen as (
    select *
    from totals
    qualify row_number() over (partition by indicator, dimensions order by len(missions) desc, previous_period_end desc) = 1
)
select
    t.indicator, 'ALL' as mission, t.dimensions, t.period_start, t.period_end, t.value, t.previous_period_end, t.previous_value,
    t.value - t.previous_value as change, len(t.missions)::integer as missions_used,
    len(list_distinct(list_concat(
        t.missions,
        list_filter(e.missions, lambda mission: not list_contains(coalesce(a.missions, []), mission))
    )))::integer as missions_expected
from chosen as t
left join expected as e on e.indicator = t.indicator and e.period_end = t.period_end
left join inapplicable as a on a.indicator = t.indicator and a.dimensions = t.dimensions;

-- A table of this query: query_table reads 'main.latest' as a temporary table of that name, if there is one.
create or replace view store.computed_total_changes as
with current_values as not materialized (
    from main.latest
)
from store.total_changes_of('store.series_changes', current_values);

comment on view store.computed_total_changes is 'A row is as in store.total_changes, computed from the changes of all missions.';

create or replace view store.stored_total_changes as
select
    indicator, mission, dimensions, period_start, period_end, value, previous_period_end, previous_value, change, missions_used,
    missions_expected
from cache.total_changes;

comment on view store.stored_total_changes is 'A row is as in store.total_changes, as of the date of the copy.';

create or replace view store.total_changes as
from query_table(store.choose_stored('total_changes'));

comment on view store.total_changes is 'A row is the change of a count over all missions that have a value in both periods.';

create or replace view changes as
select *, null::integer as missions_used, null::integer as missions_expected
from store.series_changes
union all by name
select *
from store.total_changes;

comment on view changes is 'A row is the change of a series since the previous period (see latest), or of a total over all missions.';

-- Changes of open missions that are better or worse, with their size relative to the larger value. Counts below 10, which change by
-- chance, have the weight 2, and booleans the weight 3.
-- `changed` names store.series_changes, or a table of some of its rows.
create or replace macro store.judged_changes_of(changed) as table
select
    c.indicator, c.mission, c.dimensions, c.value, c.previous_value, c.change, c.period_start, c.period_end,
    if((c.change > 0) = (i.better = 'higher'), 'better', 'worse') as tone,
    abs(c.change) / greatest(abs(c.value), abs(c.previous_value)) as relative_change,
    case
        when i.unit = 'boolean' then 3
        when i.unit = 'count' and greatest(c.value, c.previous_value) < 10 then 2
        else 1
    end as weight
from query_table(changed) as c
join main.indicators as i using (indicator)
join store.current_missions as m using (mission)
where i.better <> 'neutral' and c.change <> 0 and m.status <> 'closed';

create or replace view store.judged_changes as
from store.judged_changes_of('store.series_changes');

comment on view store.judged_changes is 'A row is a series that is better or worse than in the previous period.';

-- The 8 largest of each indicator, mission, tone, end of period and weight: these include the 8 largest of any of these groups
-- together, whatever the order of groups. change_count is the number of changes of the group.
-- `changed` has all rows of an indicator and mission.
create or replace macro store.largest_changes_of(changed) as table
-- Not materialized: storing every change with its dimensions takes longer than reading the changes twice.
with judged as not materialized (
    from store.judged_changes_of(changed)
),
-- Sorting every change by its dimensions would take seconds with 1,000,000 series.
counted as (
    select
        indicator, mission, tone, period_end, weight, count(*)::integer as change_count,
        list_last(max(relative_change, 8)) as least_change
    from judged
    group by indicator, mission, tone, period_end, weight
)
select
    j.*, c.change_count,
    (row_number() over (
        partition by indicator, mission, tone, period_end, weight
        order by relative_change desc, abs(j.change) desc, j.dimensions::varchar
    ))::integer as place
from judged as j
join counted as c using (indicator, mission, tone, period_end, weight)
where j.relative_change >= c.least_change
qualify place <= 8;

create or replace view store.computed_largest_changes as
from store.largest_changes_of('store.series_changes');

comment on view store.computed_largest_changes is 'A row is as in store.largest_changes, computed from all changes.';

create or replace view store.stored_largest_changes as
select
    indicator, mission, dimensions, value, previous_value, change, period_start, period_end, tone, relative_change, weight,
    change_count, place
from cache.largest_changes;

comment on view store.stored_largest_changes is 'A row is as in store.largest_changes, as of the date of the copy.';

create or replace view store.largest_changes as
from query_table(store.choose_stored('largest_changes'));

comment on view store.largest_changes is 'A row is one of the largest changes of an indicator and mission, with the number of those like it.';
