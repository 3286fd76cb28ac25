-- A row is a load of an export of a feed, newest first.
select
    batch_id, file_name, loaded_by, recorded_at, exported_at, row_count, new_events, changed_events, duplicate_rows, unreadable_rows,
    left_out_rows
from event_loads
where feed = $feed
order by batch_id desc
limit $max_rows
