-- Record that the events of $feed were counted. Runs also if no count changed.
insert into store.count_runs by name
select
    $feed as feed, (select max(batch_id) from store.event_batches where feed = $feed) as event_batch_id,
    store.catalogue_version() as catalogue_version, covered_until, $batch_id::integer as batch_id,
    $recorded_at::timestamptz as recorded_at
from count_dates;
