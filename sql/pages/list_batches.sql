-- A row is a load, newest first.
select batch_id, file_name, sha256, loaded_by, recorded_at, row_count, new_observations, revisions, unchanged
from batches
where recorded_at <= known_at_time()
order by batch_id desc
limit $max_rows
