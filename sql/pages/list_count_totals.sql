-- A row is a period of an indicator that is counted from events, newest first: the sum over all missions, and in counts that of each value
-- of its dimension, in the order of the catalogue.
with dimension_values as (
    select unnest(combined) as name, generate_subscripts(combined, 1) as position
    from (
        select if(cardinality(dimensions) = 0, []::varchar[], map_values(dimensions)[1]) as combined
        from store.current_indicators
        where indicator = $indicator
    )
),
totals as (
    select period_start, period_end, map_values(dimensions)[1] as name, value, status, missions
    from store.count_totals
    where indicator = $indicator and period_end <= as_of_date()
),
summed as (
    select
        period_start, period_end, sum(value) as total, max(missions) as missions, if(bool_or(status = 'P'), 'P', 'A') as status
    from totals
    group by period_start, period_end
),
counts as (
    select s.period_start, s.period_end, list(coalesce(t.value, 0) order by d.position) as counts
    from summed as s
    cross join dimension_values as d
    left join totals as t on t.period_start = s.period_start and t.period_end = s.period_end and t.name = d.name
    group by s.period_start, s.period_end
)
select name_period(c.cycle, s.period_start, s.period_end) as period, s.*, coalesce(n.counts, []) as counts
from summed as s
left join counts as n using (period_start, period_end)
left join cycles as c using (period_start, period_end)
order by s.period_end desc
