-- A text contains a control character other than tabs and line ends. Pages and documents cannot show it.
with texts as (
    unpivot (
        select file_ordinal, file_row, source, page, note
        from staged
        where regexp_matches(concat(source, page, note), '[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}\x{FFFE}\x{FFFF}]')
    )
    on source, page, note
    into name column_name value text
)
select
    file_ordinal, file_row, column_name, text as value,
    'has a control character' as problem, 'remove it, or type the text again' as fix
from texts
where regexp_matches(text, '[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}\x{FFFE}\x{FFFF}]')
