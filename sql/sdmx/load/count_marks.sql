-- The one row has the expected numbers of delimiters and line ends of a file below its header, from its rows.
select
    coalesce(sum($column_count - 1 + strlen(marks) - strlen(replace(marks, $delimiter, ''))), 0)::bigint as delimiters,
    coalesce(sum(1 + strlen(marks) - strlen(replace(marks, chr(10), ''))), 0)::bigint as lines
from sdmx_rows
