-- A status is unknown or inconsistent with its value.
select
    file_ordinal, file_row, 'status' as column_name, status as value,
    case
        when status = '' then 'is missing, and the value too'
        when status not in ('A', 'E', 'P', 'M', 'U', 'N') then 'is not a status'
        when status in ('M', 'U', 'N') then 'has no value, but the row has one'
        else 'needs a value, but the row has none'
    end as problem,
    case
        when status in ('M', 'U', 'N') then 'empty the value, or use A, E or P'
        else 'use A, E or P with a value; M, U or N without'
    end as fix
from staged
where status not in ('A', 'E', 'P', 'M', 'U', 'N')
    or (status in ('M', 'U', 'N')) = (value is not null or value_text is not null)
