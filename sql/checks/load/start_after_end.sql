-- A period starts after it ends.
select
    file_ordinal, file_row, 'period_start' as column_name, period_start::varchar as value,
    'is after period_end ' || period_end as problem, 'swap or correct the dates' as fix
from staged
where period_start > period_end
