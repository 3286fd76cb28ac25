-- The first or last day of a period is missing, unreadable, or outside the supported dates.
select
    file_ordinal, file_row, 'period_start' as column_name, coalesce(period_start_text, period_start::varchar) as value,
    'is not a date from 1900 to 2999' as problem, 'write it as YYYY-MM-DD' as fix
from staged
where period_start is null or period_start not between date '1900-01-01' and date '2999-12-31'
union all
select
    file_ordinal, file_row, 'period_end', coalesce(period_end_text, period_end::varchar),
    'is not a date from 1900 to 2999', 'write it as YYYY-MM-DD'
from staged
where period_end is null or period_end not between date '1900-01-01' and date '2999-12-31'
