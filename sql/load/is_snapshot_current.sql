-- The one row says whether the newest snapshot is as of a date and has every batch and definition.
select count(*) > 0
from store.snapshots
where snapshot_id = (select max(snapshot_id) from store.snapshots)
    and as_of = $as_of
    and batch_id = (select coalesce(max(batch_id), 0) from store.batches)
    and made_at >= (select max(recorded_at) from store.catalogues)
    and made_at >= (select max(recorded_at) from store.kpis)
