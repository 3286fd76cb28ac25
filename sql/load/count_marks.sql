-- The one row has the expected numbers of delimiters and line ends of a CSV file below its header, from the staged rows.
with texts as (
    -- A row with a delimiter or line end in another column is rejected.
    select concat(source, page, note) as text, count(*) as times
    from staged
    where file_ordinal = $file_ordinal
    group by source, page, note
)
select
    coalesce(sum(times * ($column_count - 1 + strlen(text) - strlen(replace(text, $delimiter, '')))), 0)::bigint as delimiters,
    coalesce(sum(times * (1 + strlen(text) - strlen(replace(text, chr(10), '')))), 0)::bigint as lines
from texts;
