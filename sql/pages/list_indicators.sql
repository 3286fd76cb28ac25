-- A row is an indicator or KPI that matches the filters, with the number of values and reports. Each of $terms occurs in its name,
-- title or description. $mission restricts the values to one mission.
with named as (
    select
        'indicator' as kind, indicator as name, title, description, priority, unit, better, metric, ordinal, expected_missions
    from store.current_indicators
    union all by name
    select 'kpi' as kind, kpi as name, title, description, priority, unit, better, metric, row_number() over (order by kpi) + 1e9 as ordinal
    from kpis
),
current_values as (
    select l.indicator as name, l.mission, l.dimensions, l.value, l.status, l.period_start, l.period_end, l.change
    from store.latest_values as l
    union all by name
    select kpi as name, mission, dimensions, value, 'A' as status, as_of as period_end
    from kpi_latest
),
counted as (
    select
        f.name,
        count(f.value) as value_count,
        min(f.value) filter (where f.mission <> 'ALL') as minimum,
        max(f.value) filter (where f.mission <> 'ALL') as maximum,
        count(distinct f.dimensions) > 1 as has_dimensions,
        if(count(f.value) = 1, any_value(f.value), max(f.value) filter (where f.mission = 'ALL' and len(map_keys(f.dimensions)) = 0)) as total,
        max(f.period_end) as newest_period_end,
        arg_max(f.period_start, f.period_end) as newest_period_start,
        list_sort(list(distinct f.status)) as statuses,
        count(*) filter (where (f.change > 0 and n.better = 'higher') or (f.change < 0 and n.better = 'lower')) as better_count,
        count(*) filter (where (f.change < 0 and n.better = 'higher') or (f.change > 0 and n.better = 'lower')) as worse_count
    from current_values as f
    join named as n using (name)
    where $mission is null or f.mission = $mission
    group by f.name
),
newest_periods as (
    select indicator, max(period_end) as period_end
    from store.given_reports
    where state = 'reported' and period_end <= as_of_date()
    group by indicator
),
-- Only reports for the newest period count, not values carried over from an earlier period.
completed as (
    select
        e.indicator as name, count(distinct e.mission) as expected,
        count(distinct e.mission) filter (where g.state = 'reported') as reported
    from store.expected_missions as e
    left join newest_periods as p using (indicator)
    left join store.given_reports as g
        on g.indicator = e.indicator and g.mission = e.mission and g.period_end = p.period_end
    where is_open_on(e.status, e.opened_on, e.closed_on, coalesce(p.period_end, as_of_date()))
        and ($mission is null or e.mission = $mission)
    group by e.indicator
)
select
    n.kind, n.name, n.title, n.description, n.priority, p.title as priority_title, n.unit, n.better, n.metric,
    r.expected, coalesce(r.reported, 0) as reported, coalesce(c.value_count, 0) as value_count, c.minimum, c.maximum,
    c.has_dimensions, c.total, c.newest_period_end, name_period(y.cycle, c.newest_period_start, c.newest_period_end) as period,
    coalesce(c.statuses, []) as statuses, coalesce(c.better_count, 0) as better_count, coalesce(c.worse_count, 0) as worse_count
from named as n
left join counted as c using (name)
left join completed as r using (name)
left join priorities as p using (priority)
left join cycles as y on y.period_start = c.newest_period_start and y.period_end = c.newest_period_end
where ($priority is null or n.priority = $priority)
    and ($mission is null or c.name is not null or list_contains(n.expected_missions, $mission))
    and ($status is null or list_contains(c.statuses, $status) or ($status = 'none' and c.name is null))
    and ($change is null or ($change = 'better' and c.better_count > 0) or ($change = 'worse' and c.worse_count > 0))
    and coalesce(list_bool_and(list_transform(
        $terms::varchar[],
        lambda term: contains(lower(concat_ws(' ', n.name, n.metric, n.title, n.description)), lower(term))
    )), true)
order by n.kind = 'kpi', n.ordinal
