-- A row is an indicator or KPI that has what is looked for ($words, each in its name, title or description), with how much of it is
-- reported; figures are those of $mission where that is given.
with named as (
    select
        'indicator' as kind, indicator as name, title, description, priority, unit, better, metric, ordinal, expected_missions
    from store.indicators
    where catalogue_version = (select max(catalogue_version) from store.catalogues)
    union all by name
    select 'kpi' as kind, kpi as name, title, description, priority, unit, better, metric, row_number() over (order by kpi) + 1e9 as ordinal
    from kpis
),
figures as (
    select l.indicator as name, l.mission, l.dimensions, l.value, l.status, l.period_start, l.period_end, c.change
    from latest as l
    left join store.series_changes as c using (indicator, mission, dimensions)
    union all by name
    select kpi as name, mission, dimensions, value, 'A' as status, as_of as period_end
    from kpi_latest
),
counted as (
    select
        f.name,
        count(distinct f.mission) filter (
            where (f.value is not null or f.status = 'N') and list_contains(n.expected_missions, f.mission)
        ) as reported,
        count(f.value) as figures,
        min(f.value) filter (where f.mission <> 'ALL') as least,
        max(f.value) filter (where f.mission <> 'ALL') as most,
        count(distinct f.dimensions) > 1 as is_parted,
        if(count(f.value) = 1, any_value(f.value), max(f.value) filter (where f.mission = 'ALL' and len(map_keys(f.dimensions)) = 0)) as whole,
        max(f.period_end) as newest_period_end,
        arg_max(f.period_start, f.period_end) as newest_period_start,
        list_sort(list(distinct f.status)) as statuses,
        count(*) filter (where (f.change > 0 and n.better = 'higher') or (f.change < 0 and n.better = 'lower')) as better_count,
        count(*) filter (where (f.change < 0 and n.better = 'higher') or (f.change > 0 and n.better = 'lower')) as worse_count
    from figures as f
    join named as n using (name)
    where $mission is null or f.mission = $mission
    group by f.name
)
select
    n.kind, n.name, n.title, n.description, n.priority, p.title as priority_title, n.unit, n.better, n.metric,
    len(n.expected_missions) as expected, coalesce(c.reported, 0) as reported, coalesce(c.figures, 0) as figures, c.least, c.most,
    c.is_parted, c.whole, c.newest_period_end, name_period(y.cycle, c.newest_period_start, c.newest_period_end) as period,
    coalesce(c.statuses, []) as statuses, coalesce(c.better_count, 0) as better_count, coalesce(c.worse_count, 0) as worse_count
from named as n
left join counted as c using (name)
left join priorities as p using (priority)
left join cycles as y on y.period_start = c.newest_period_start and y.period_end = c.newest_period_end
where ($priority is null or n.priority = $priority)
    and ($mission is null or c.name is not null or list_contains(n.expected_missions, $mission))
    and ($status is null or list_contains(c.statuses, $status) or ($status = 'none' and c.name is null))
    and ($change is null or ($change = 'better' and c.better_count > 0) or ($change = 'worse' and c.worse_count > 0))
    and coalesce(list_bool_and(list_transform(
        $words::varchar[],
        lambda word: contains(lower(concat_ws(' ', n.name, n.metric, n.title, n.description)), lower(word))
    )), true)
order by n.kind = 'kpi', n.ordinal
