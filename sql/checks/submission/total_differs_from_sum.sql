-- title: Total differs from the sum of its parts
-- severity: high        missing_values: skip_if_any
-- description: A total is not the sum of its dimension values, of another indicator, or of the values of missions.
-- action: Correct the total or its parts.
select
    series_id, period_start, period_end, relation, missing, expected,
    format(
        '{} is {:.10g}, but its parts{} have {:.10g}',
        first_indicator, first_value, if(second_indicator = first_indicator, '', ' in ' || second_indicator), second_value
    ) as message
from compared_sides
-- Sums of fractions differ in the last digits.
where kind = 'total_of' and abs(first_value - second_value) > tolerance + 1e-9 * abs(first_value)
