-- A row is what one series says in the cycle that was prepared, in the order of the catalogue.
select
    indicator, mission, part, period, period_start, period_end, is_cycle, runs_on, is_stale, value, status, previous_period,
    previous_value, previous_status, change, source, page, note
from cycle_figures
order by indicator_ordinal, places, part, mission_ordinal
