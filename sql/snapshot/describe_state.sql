-- The one row has the newest batch, the version of the catalogue, and the number of series.
select
    (select coalesce(max(batch_id), 0) from store.batches),
    (select coalesce(store.catalogue_version(), 0)),
    (select count(*) from store.series)
