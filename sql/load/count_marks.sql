-- The one row is how many delimiters and line ends a CSV file has below its header if its rows are those that were staged.
with texts as (
    -- A mark in another column makes a row that is refused.
    select concat(source, page, note) as text, count(*) as times
    from staged
    where file_ordinal = $file_ordinal
    group by source, page, note
)
select
    coalesce(sum(times * ($column_count - 1 + strlen(text) - strlen(replace(text, $delimiter, '')))), 0)::bigint as delimiters,
    coalesce(sum(times * (1 + strlen(text) - strlen(replace(text, chr(10), '')))), 0)::bigint as lines
from texts;
