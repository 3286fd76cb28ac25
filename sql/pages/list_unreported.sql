-- A row is an indicator that $mission, if it is open as of the page, is expected to report and has no observation of.
select indicator, title
from store.expected_missions
where mission = $mission
    and is_open_on(status, opened_on, closed_on, as_of_date())
    and indicator not in (select indicator from latest where mission = $mission)
order by ordinal
