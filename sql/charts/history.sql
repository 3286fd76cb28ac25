-- A row is the value of one series of an indicator for one ended period: the last $max_periods periods of the first $max_series
-- series, in catalogue order, with the total numbers of both. Counts of events without a mission are sums over the missions.
with observed as (
    select indicator, mission, dimensions, period_start, period_end, value, status
    from observations
    where indicator = $indicator
        and ($mission is null or mission = $mission)
        and ($mission is not null or indicator not in (select indicator from store.current_indicators where counted_from is not null))
    union all
    select indicator, 'ALL', dimensions, period_start, period_end, value, status
    from store.count_totals
    where indicator = $indicator and $mission is null
),
points as (
    select
        o.mission, o.dimensions, o.period_start, o.period_end, o.value, o.status, c.cycle,
        list_transform(map_keys(o.dimensions), lambda name: list_position(i.dimensions[name], o.dimensions[name])) as places
    from observed as o
    join store.current_indicators as i using (indicator)
    left join cycles as c using (period_start, period_end)
    where o.period_end <= as_of_date()
),
numbered as (
    select
        *,
        dense_rank() over (order by mission = 'ALL' desc, mission, places, dimensions::varchar) as number,
        row_number() over (partition by mission, dimensions order by period_end desc, period_start desc) as age
    from points
)
select
    name_series(mission, dimensions) as series, name_period(cycle, period_start, period_end) as period, period_start, period_end,
    value, status, (select max(number) from numbered) as series_count, (select max(age) from numbered) as period_count
from numbered
where number <= $max_series and age <= $max_periods
order by number, period_end, period_start
