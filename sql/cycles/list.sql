-- A row is a cycle with the number of reported values of its period, and the numbers of expected and received reports.
with observed as (
    select
        period_start, period_end, count(distinct indicator) as indicator_count,
        count(distinct mission) filter (where mission <> 'ALL') as mission_count, sum(value_count)::bigint as value_count,
        max(recorded_at) as recorded_at
    from store.given_reports
    where (period_start, period_end) in (select (period_start, period_end) from cycles)
        and indicator not in (select indicator from store.current_indicators where counted_from is not null)
    group by all
),
expected as (
    select
        period_start, period_end, count(*) as expected_count, count(*) filter (where is_reported) as reported_count
    from report_states
    group by all
)
select
    c.cycle, c.period_start, c.period_end, c.due_on, coalesce(o.indicator_count, 0) as indicator_count,
    coalesce(o.mission_count, 0) as mission_count, coalesce(o.value_count, 0) as value_count, o.recorded_at,
    coalesce(e.expected_count, 0) as expected_count, coalesce(e.reported_count, 0) as reported_count
from cycles as c
left join observed as o using (period_start, period_end)
left join expected as e using (period_start, period_end)
order by c.cycle desc
