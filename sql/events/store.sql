-- Store the rows of stored_events as one batch. Runs only if there is one.
create or replace temp table stored_batch as
select (select coalesce(max(batch_id), 0) from store.batches) + 1 as batch_id;

insert into store.batches by name
select
    b.batch_id, $file_name as file_name, $digest as sha256, $loaded_by as loaded_by, $recorded_at::timestamptz as recorded_at,
    c.row_count, 0 as new_observations, 0 as revisions, 0 as unchanged
from stored_batch as b
cross join event_counts as c;

insert into store.events by name
select s.*, b.batch_id, $recorded_at::timestamptz as recorded_at
from stored_events as s
cross join stored_batch as b;

insert into store.event_faults by name
select
    b.batch_id, f.file_row, f.fault, f.event_id, f.column_name, f.written, f.problem, $recorded_at::timestamptz as recorded_at
from event_row_faults as f
cross join stored_batch as b;

insert into store.event_batches by name
select
    b.batch_id, $feed as feed, $feed_version as feed_version, c.exported_at, c.new_events, c.changed_events, c.unchanged_events,
    c.older_events, (select count(*) from stored_events where change = 'withdrawn') as withdrawn_events, c.duplicate_rows,
    c.unreadable_rows, c.left_out_rows, $notes::varchar[] as notes, d.event_rows, d.digest, store.hash_check() as hash_check
from stored_batch as b
join store.digest_event_batches((select batch_id from stored_batch)) as d using (batch_id)
cross join event_counts as c
