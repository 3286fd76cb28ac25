-- The one row is how many rows a Parquet file states, and the bytes of its columns when decompressed.
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
