-- A row is an indicator without observations that $mission, if it is open on the as-of date, is expected to report.
select e.indicator, e.title, i.priority
from store.expected_missions as e
left join indicators as i using (indicator)
where e.mission = $mission
    and is_open_on(e.status, e.opened_on, e.closed_on, as_of_date())
    and e.indicator not in (select indicator from latest where mission = $mission)
order by e.ordinal
