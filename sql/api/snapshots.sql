-- A row is a snapshot, newest first.
select
    snapshot_id::varchar as snapshot_id, as_of, write_rfc3339(made_at) as made_at, batch_id, series_count,
    format('{:010d}', 9999999999 - snapshot_id) as key
from store.snapshots
