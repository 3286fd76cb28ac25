-- A status is unknown, of the letters before release 0.2, or inconsistent with its value.
select
    file_ordinal, file_row, 'status' as column_name, status as value,
    case
        when status = '' then 'is missing, and the value too'
        when status = 'U' then 'is not used here: in SDMX it means low reliability'
        when status = 'N' then 'is not used here: in SDMX it means not significant'
        when status not in ('A', 'E', 'P', 'V', 'O', 'L', 'M') then 'is not a status'
        when status in ('O', 'L', 'M') then 'has no value, but the row has one'
        else 'needs a value, but the row has none'
    end as problem,
    case
        when status = 'U' then 'write V for under validation'
        when status = 'N' then 'write M for not applicable'
        when status in ('O', 'L', 'M') then 'empty the value, or use A, E, P or V'
        else 'use A, E or P with a value; O, L or M without; V with or without'
    end as fix
from staged
where status not in ('A', 'E', 'P', 'V', 'O', 'L', 'M')
    or status in ('O', 'L', 'M') and (value is not null or value_text is not null)
    or status in ('A', 'E', 'P') and value is null and value_text is null
