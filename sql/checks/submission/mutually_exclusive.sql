-- title: Values that exclude each other
-- severity: high        missing_values: skip_if_all
-- description: A value above 0 where another indicator is 0, such as days without care in a mission without hospitals.
-- action: Correct one of the two values.
select
    series_id, period_start, period_end, relation, missing, expected,
    format(
        '{} is {:.10g}, but {} is 0', first_indicator, first_value, second_indicator
    ) as message
from compared_sides
where kind = 'exclusive' and first_value > 0 and second_value = 0
