-- A row is the load of one file, newest first.
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    format('{:010d}', 9999999999 - batch_id) as key
from batches
where recorded_at <= known_at_time()
