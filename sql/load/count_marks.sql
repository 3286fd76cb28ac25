-- The one row is how many delimiters and line ends a CSV file has below its header if its rows are those that were staged.
with texts as (
    select
        concat(
            indicator, mission, dimensions_text, period_start_text, period_end_text, value_text, status, source, page, note
        ) as text
    from staged
    where file_ordinal = $file_ordinal
)
select
    count(*) * ($column_count - 1) + coalesce(sum(strlen(text) - strlen(replace(text, $delimiter, ''))), 0)::bigint as delimiters,
    count(*) + coalesce(sum(strlen(text) - strlen(replace(text, chr(10), ''))), 0)::bigint as lines
from texts;
