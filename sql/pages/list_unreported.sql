-- A row is an indicator without observations that $mission, if it is open on the as-of date, is expected to report.
select indicator, title
from store.expected_missions
where mission = $mission
    and is_open_on(status, opened_on, closed_on, as_of_date())
    and indicator not in (select indicator from latest where mission = $mission)
order by ordinal
