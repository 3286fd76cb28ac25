-- title: Outlier
-- severity: medium        missing_values: skip_if_any
-- description: A value is far from the history of its series: its modified z-score is above 3.5.
-- action: Check the value. If it is right, explain it in a comment.
select series_id, period_start, period_end, null::integer as relation, message
from found_warnings
where rule = 'outlier'
