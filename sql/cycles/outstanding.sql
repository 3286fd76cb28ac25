-- A row is a mission with the reports of the cycle $period_start..$period_end that were expected and not received.
with reports as (
    select *
    from report_states
    where period_start = $period_start and period_end = $period_end
),
expected as (
    select mission, count(*) as expected_count
    from reports
    group by mission
)
select
    r.mission, e.expected_count,
    list({'indicator': r.indicator, 'title': i.title} order by i.ordinal) as indicators
from reports as r
join expected as e using (mission)
join store.current_missions as m using (mission)
join store.current_indicators as i using (indicator)
where not r.is_reported
group by r.mission, e.expected_count, m.ordinal
order by m.ordinal
