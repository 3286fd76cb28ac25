-- title: Part above its whole
-- severity: high        missing_values: skip_if_any
-- description: A part is larger than the whole that includes it.
-- action: Correct the part or the whole.
select
    series_id, period_start, period_end, relation, missing, expected,
    format(
        '{} is {:.10g}, above {:.10g}, the value of {}, which includes it',
        first_indicator, first_value, second_value, second_indicator
    ) as message
from compared_sides
where kind = 'part_of' and first_value > second_value
