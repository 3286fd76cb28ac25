-- A value is not a finite number, or outside the range of its indicator.
with judged as (
    select
        s.file_ordinal, s.file_row, s.value, s.value_text, d.unit, d.minimum, d.maximum,
        case
            when s.value_text is not null and regexp_full_match(s.value_text, '[-+]?[0-9. ]*,[0-9,. ]*') then 'comma'
            when s.value_text is not null and s.value_text like '%\%' escape '\' then 'percent'
            when s.value_text is not null then 'text'
            when not isfinite(s.value) then 'infinite'
            when s.value < d.minimum then 'low'
            when s.value > d.maximum then 'high'
            when d.whole and s.value <> trunc(s.value) then 'fraction'
        end as fault
    from staged as s
    left join store.current_indicators as d using (indicator)
    where s.value is not null or s.value_text is not null
)
select
    file_ordinal, file_row, 'value' as column_name, coalesce(value_text, value::varchar) as value,
    case fault
        when 'low' then 'is below the minimum of ' || minimum
        when 'high' then 'is above the maximum of ' || maximum
        when 'fraction' then 'is not a whole number'
        when 'infinite' then 'is not finite'
        else 'is not a number'
    end as problem,
    case
        when fault = 'comma' then 'write a decimal point and no thousands separator'
        when fault = 'percent' or (fault = 'high' and unit = 'ratio') then 'write a ratio, 0.37 for 37 %'
        when fault in ('low', 'high', 'fraction') then 'correct the value, or the indicator''s minimum, maximum or whole in the catalogue'
        else 'write digits with a decimal point, or leave it empty with status O, L, V or M'
    end as fix
from judged
where fault is not null
