-- The change over all missions of counts that are reported only by mission: both sums are over the missions with a value in the
-- newest period that any mission reported and in the previous period. If no mission has both, there is no row.
create or replace view store.total_changes as
with compared as (
    select c.*
    from store.series_changes as c
    join indicators as i using (indicator)
    where i.unit = 'count' and not list_contains(i.expected_missions, 'ALL') and c.mission <> 'ALL'
        and (c.indicator, c.dimensions) not in (select (indicator, dimensions) from latest where mission = 'ALL')
),
newest as (
    select indicator, dimensions, max((period_end, period_start)) as period
    from latest
    where mission <> 'ALL' and value is not null
    group by indicator, dimensions
),
inapplicable as (
    select indicator, dimensions, list(mission) as missions
    from latest
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

comment on view store.total_changes is 'A row is the change of a count over all missions that have a value in both periods.';

create or replace view changes as
select *, null::integer as missions_used, null::integer as missions_expected
from store.series_changes
union all by name
select *
from store.total_changes;

comment on view changes is 'A row is the change of a series since the previous period (see latest), or of a total over all missions.';
