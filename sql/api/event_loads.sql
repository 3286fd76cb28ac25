-- A row is a load of an export of a feed, newest first.
select
    * replace (write_rfc3339(recorded_at) as recorded_at, write_rfc3339(exported_at) as exported_at),
    format('{:010d}', 9999999999 - batch_id) as key
from event_loads
