-- A row is the observation of one series in the prepared cycle, in catalogue order.
select
    indicator, mission, part, period, period_start, period_end, is_cycle, runs_on, is_stale, value, status, previous_period,
    previous_value, previous_status, change, source, page, note
from cycle_observations
order by indicator_ordinal, places, part, mission_ordinal
