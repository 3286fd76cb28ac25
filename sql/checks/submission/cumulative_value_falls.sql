-- title: Cumulative value decreases
-- severity: high        missing_values: skip_if_any
-- description: A cumulative value is below an earlier one, or above a later one, that started on the same day.
-- action: Correct the value. If the earlier value was too high, correct that one in the same file.
select series_id, period_start, period_end, null::integer as relation, message
from found_warnings
where rule = 'cumulative_value_falls'
