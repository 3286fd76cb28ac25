-- The one row has the numbers of loaded files, observations (including every revision) and corrections.
select
    count(*) as batches,
    coalesce(sum(new_observations + revisions), 0)::bigint as observations,
    coalesce(sum(revisions), 0)::bigint as revisions
from batches
