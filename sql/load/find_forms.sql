-- A row is a date or number format in `written_cells`, with the first cell in that format.
with cells as (
    unpivot written_cells
    on period_start, period_end, value
    into name column_name value written
),
texts as (
    select file_row, column_name, trim(written) as written
    from cells
),
days as (
    select
        file_row, column_name, written,
        regexp_full_match(written, '\d{1,2}\.\d{1,2}\.\d{4}') as is_dotted,
        regexp_full_match(written, '\d{1,2}/\d{1,2}/\d{4}') as is_slashed,
        try_cast(split_part(written, '/', 1) as integer) as first_number,
        try_cast(split_part(written, '/', 2) as integer) as second_number
    from texts
    where column_name <> 'value'
),
formed as (
    select
        file_row, column_name, written,
        case
            when is_dotted then 'dotted_date'
            when is_slashed and first_number > 12 and second_number <= 12 then 'day_first'
            when is_slashed and second_number > 12 and first_number <= 12 then 'month_first'
            when is_slashed then 'day_or_month_first'
        end as form
    from days
    union all
    select
        file_row, column_name, written,
        case
            when regexp_full_match(written, '[-+]?[1-9]\d{0,2},\d{3}') then 'comma_and_three_digits'
            when regexp_full_match(written, '[-+]?\d*,\d+') then 'decimal_comma'
            when regexp_full_match(written, '[-+]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+') then 'space_groups'
            when regexp_full_match(written, '[-+]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+,\d+') then 'space_grouped_decimal_comma'
            when regexp_full_match(written, '[-+]?\d{1,3}(\.\d{3})+,\d+') then 'grouped_decimal_comma'
            when regexp_full_match(written, '[-+]?\d{1,3}(\.\d{3}){2,}') then 'point_groups'
            when regexp_full_match(written, '[-+]?[1-9]\d{0,2}\.\d{3}') then 'point_and_three_digits'
            when regexp_full_match(written, '[-+]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})') then 'comma_groups'
            when regexp_full_match(written, '[-+]?\d*\.\d+') then 'decimal_point'
        end
    from texts
    where column_name = 'value'
)
select form, min(file_row) as file_row, arg_min(column_name, file_row) as column_name, arg_min(written, file_row) as written
from formed
where form is not null
group by form
