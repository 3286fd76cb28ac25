-- title: Surge of rare events
-- severity: medium        missing_values: skip_if_any
-- description: A count of rare events is higher than a Poisson distribution of the earlier values allows once in 10,000 periods.
-- action: Check the value. If it is right, explain it in a comment.
select series_id, period_start, period_end, null::integer as relation, message
from found_warnings
where rule = 'rare_event_surge'
