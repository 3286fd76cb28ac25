-- A row is the value of one series of a KPI with the date from which it is valid: the last $max_periods dates of the first
-- $max_series series, of active missions first, with the total numbers of both. A null value ends a series.
with points as (
    select v.mission, v.dimensions, v.as_of, v.value, m.status
    from store.current_kpi_values as v
    left join store.current_missions as m using (mission)
    where kpi = $kpi
        and ($mission is null or mission = $mission)
        and as_of <= as_of_date()
),
numbered as (
    select
        *,
        dense_rank() over (order by mission = 'ALL' desc, status = 'closed', mission, dimensions::varchar) as number,
        row_number() over (partition by mission, dimensions order by as_of desc) as age
    from points
)
select
    name_series(mission, dimensions) as series, name_period(c.cycle, as_of, as_of) as period, as_of as period_start,
    as_of as period_end, value, if(value is null, 'O', 'A') as status, (select max(number) from numbered) as series_count,
    (select max(age) from numbered) as period_count
from numbered
left join cycles as c on c.period_end = as_of
where number <= $max_series and age <= $max_periods
order by number, as_of
