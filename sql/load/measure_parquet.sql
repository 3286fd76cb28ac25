-- The one row is the number of rows that a Parquet file declares, and the decompressed bytes of its columns.
with row_counts as (
    select num_rows as row_count
    from parquet_file_metadata($file)
),
contents as (
    select coalesce(sum(total_uncompressed_size), 0)::bigint as content_bytes
    from parquet_metadata($file)
)
select row_count, content_bytes
from row_counts
cross join contents
