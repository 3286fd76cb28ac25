-- A row is a priority with the numbers of its indicators, values, changes and threshold breaches.
with reported as (
    select i.priority, l.indicator, l.mission, l.dimensions, l.value, l.period_end, i.better, l.change
    from store.latest_values as l
    join indicators as i using (indicator)
),
counted as (
    select
        priority, count(distinct indicator) filter (where value is not null) as reported, count(value) as value_count,
        max(period_end) as newest_period_end,
        count(*) filter (where (change > 0 and better = 'higher') or (change < 0 and better = 'lower')) as better,
        count(*) filter (where (change < 0 and better = 'higher') or (change > 0 and better = 'lower')) as worse,
        count(*) filter (where change = 0) as same
    from reported
    group by priority
),
defined as (
    select priority, count(*) as indicators
    from indicators
    group by priority
),
computed as (
    select priority, count(*) as kpis
    from kpis
    group by priority
),
breached as (
    select d.priority, count(*) as breaches
    from threshold_breaches as b
    join (select metric, priority from indicators union all select metric, priority from kpis) as d using (metric)
    group by d.priority
)
select
    p.priority, p.title, p.number, p.cross_cutting, coalesce(d.indicators, 0) as indicators, coalesce(k.kpis, 0) as kpis,
    coalesce(c.reported, 0) as reported, coalesce(c.value_count, 0) as value_count, c.newest_period_end,
    coalesce(c.better, 0) as better, coalesce(c.worse, 0) as worse, coalesce(c.same, 0) as same,
    coalesce(b.breaches, 0) as breaches
from store.current_priorities as p
left join defined as d using (priority)
left join counted as c using (priority)
left join computed as k using (priority)
left join breached as b using (priority)
order by p.ordinal
