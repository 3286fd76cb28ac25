-- A row is a revision of a count that has another value, changed counts before those that begin or end, the largest change first.
select indicator, mission, dimensions, period_start, period_end, previous_value, previous_status, value, status, note
from changed_counts
where is_revision and value is distinct from previous_value
order by value is null or previous_value is null, abs(value - previous_value) desc, period_end desc, mission, dimensions::varchar, indicator
limit $limit;
