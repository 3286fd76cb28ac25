-- Store the changes of an export as one batch. Runs only if there are some.
create or replace temp table stored_batch as
select (select coalesce(max(batch_id), 0) from store.batches) + 1 as batch_id;

insert into store.batches by name
select
    b.batch_id, $file_name as file_name, $digest as sha256, $loaded_by as loaded_by, $recorded_at::timestamptz as recorded_at,
    c.row_count, 0 as new_observations, 0 as revisions, 0 as unchanged
from stored_batch as b
cross join event_counts as c;

insert into store.events by name
select
    $feed as feed, s.event_id, s.kind, s.occurred_on, s.mission, s.attributes, s.state, s.updated_at, c.precedence, c.change,
    (select batch_id from stored_batch) as batch_id, $recorded_at::timestamptz as recorded_at
from staged_content as s
join event_changes as c using (file_row)
where c.change <> 'unchanged';

insert into store.events by name
select
    e.* replace (
        'withdrawn' as state, w.updated_at as updated_at, -100 as precedence, 'withdrawn' as change,
        (select batch_id from stored_batch) as batch_id, $recorded_at::timestamptz as recorded_at
    )
from store.event_states_known_at('store.events', 'infinity'::timestamptz) as e
join withdrawn_events as w using (event_id)
where e.feed = $feed;

insert into store.event_faults by name
select
    b.batch_id, f.file_row, f.fault, f.event_id, f.column_name, f.written, f.problem, $recorded_at::timestamptz as recorded_at
from event_row_faults as f
cross join stored_batch as b;

insert into store.event_batches by name
select
    b.batch_id, $feed as feed, $feed_version as feed_version, c.exported_at, c.new_events, c.changed_events, c.unchanged_events,
    c.older_events, (select count(*) from withdrawn_events) as withdrawn_events, c.duplicate_rows, c.unreadable_rows,
    c.left_out_rows, $notes::varchar[] as notes, d.event_rows, d.digest, store.hash_check() as hash_check
from stored_batch as b
join store.digest_event_batches((select batch_id from stored_batch)) as d using (batch_id)
cross join event_counts as c
