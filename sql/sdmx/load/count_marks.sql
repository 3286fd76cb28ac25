-- The one row has the expected numbers of delimiters and line ends of a file below its header, from its rows.
with texts as (
    select concat("SOURCE_DETAIL", "SOURCE_PAGE", "COMMENT_OBS", marks) as text
    from sdmx_rows
)
select
    coalesce(sum($column_count - 1 + strlen(text) - strlen(replace(text, $delimiter, ''))), 0)::bigint as delimiters,
    coalesce(sum(1 + strlen(text) - strlen(replace(text, chr(10), ''))), 0)::bigint as lines
from texts
