-- The one row counts what the warehouse holds: loaded files, observations with every revision, and corrections.
select
    count(*) as batches,
    coalesce(sum(new_observations + revisions), 0)::bigint as observations,
    coalesce(sum(revisions), 0)::bigint as revisions
from batches
