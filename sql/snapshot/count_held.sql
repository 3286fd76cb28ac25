-- The one row says what the warehouse holds: files loaded, observations with every revision counted, and how many corrected another.
select
    count(*) as batches,
    coalesce(sum(new_observations + revisions), 0)::bigint as observations,
    coalesce(sum(revisions), 0)::bigint as revisions
from batches
