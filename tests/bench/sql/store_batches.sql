-- Store a batch for each so many of the bench observations.
insert into store.batches
select
    batch_id, 'bench', sha256(batch_id::varchar), 'bench', $made_at::timestamptz + to_seconds(batch_id),
    $observations // $batches, $observations // $batches, 0, 0
from range(1, $batches + 1) as batches(batch_id)
