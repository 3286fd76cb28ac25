-- A row is an expected report of one of some cycles, with the state of its newest values.
select
    r.cycle, r.mission, r.indicator, i.title, i.priority, r.period_start, r.period_end, r.due_on, r.state, r.is_reported,
    r.is_overdue, r.period_end < as_of_date() + 1 as has_ended,
    r.is_reported and g.is_not_applicable as is_not_applicable
from report_states as r
left join store.given_reports as g using (indicator, mission, period_start, period_end)
join store.current_indicators as i using (indicator)
join store.current_missions as m using (mission)
where list_contains($cycles::integer[], r.cycle)
order by r.cycle, m.ordinal, i.ordinal, r.period_end;
