-- The cycles, the newest first.
select cycle, period_start, period_end, due_on, period_end < as_of_date() + 1 as has_ended
from cycles
order by cycle desc;
