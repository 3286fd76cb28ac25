-- Record a snapshot and return its number.
insert into store.snapshots
select
    (select coalesce(max(snapshot_id), 0) + 1 from store.snapshots),
    $as_of::date, $made_at::timestamptz, (select coalesce(max(batch_id), 0) from store.batches), $series_count::bigint;

select max(snapshot_id) from store.snapshots
