-- A row is a mission with its overdue reports of a cycle: of the newest past its deadline ($is_newest), or of an older one.
with overdue as (
    select *, (indicator, mission, period_start) in (select (indicator, mission, period_start) from overdue_reports) as is_newest
    from report_states
    where is_overdue
),
expected as (
    select mission, cycle, count(*) as expected_count
    from report_states
    where is_past_due(due_on)
    group by mission, cycle
)
select
    o.cycle, o.mission, m.name, max(o.due_on) as due_on, any_value(e.expected_count) as expected_count,
    list({'indicator': o.indicator, 'title': i.title} order by i.ordinal) as indicators
from overdue as o
join expected as e using (mission, cycle)
join store.current_missions as m using (mission)
join store.current_indicators as i on i.indicator = o.indicator
where o.is_newest = $is_newest
group by o.cycle, o.mission, m.name, m.ordinal
order by o.cycle desc, m.ordinal
