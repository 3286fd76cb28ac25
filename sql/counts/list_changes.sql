-- A row is a revision of a count that has another value, the newest period first.
select indicator, mission, dimensions, period_start, period_end, previous_value, previous_status, value, status, note
from changed_counts
where is_revision and value is distinct from previous_value
order by period_end desc, mission, dimensions::varchar, indicator
limit $limit;
