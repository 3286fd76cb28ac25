-- A row is a count that is new or changes, revisions first.
select indicator, mission, dimensions, period_start, period_end, previous_value, previous_status, value, status, note
from changed_counts
order by not is_revision, period_end desc, mission, dimensions::varchar, indicator
limit $limit;
