-- The one row is whether a staged file has dates, and whether it has numbers, that another dialect can parse.
select
    coalesce(bool_or(
        regexp_full_match(trim(period_start_text), '\d{1,2}[./]\d{1,2}[./]\d{4}')
        or regexp_full_match(trim(period_end_text), '\d{1,2}[./]\d{1,2}[./]\d{4}')
    ), false) as has_dates,
    coalesce(bool_or(regexp_full_match(value_text, '[-+]?\d*[\d ,.\x{a0}\x{202f}]*')), false) as has_numbers
from staged
where file_ordinal = $file_ordinal
