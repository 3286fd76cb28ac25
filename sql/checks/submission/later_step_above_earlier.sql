-- title: Later step above an earlier one
-- severity: high        missing_values: skip_if_any
-- description: More cases or people in a later step than in the step before, such as more crimes investigated than reported.
-- action: Correct one of the two values.
select
    series_id, period_start, period_end, relation, missing, expected,
    format(
        '{} is {:.10g}, above {:.10g}, the value of {}', first_indicator, first_value, second_value, second_indicator
    ) as message
from compared_sides
where kind = 'not_above' and first_value > second_value
