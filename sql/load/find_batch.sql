-- The first load of a file with these bytes, and the number of its cells that have a later revision.
with loaded as (
    select batch_id, recorded_at, row_count
    from store.batches
    where sha256 = $digest
        -- The file name of a batch of a named sheet ends with that name.
        and if($suffix = '', not contains(file_name, ', sheet '''), ends_with(file_name, $suffix))
    order by batch_id
    limit 1
),
cells as (
    select o.series_id, o.period_start, o.period_end, l.batch_id
    from store.observations as o
    join loaded as l using (batch_id)
),
corrected as (
    select count(distinct (c.series_id, c.period_start, c.period_end)) as corrected_since
    from cells as c
    join store.observations as o using (series_id, period_start, period_end)
    where o.batch_id > c.batch_id
)
select recorded_at, row_count, corrected_since
from loaded
cross join corrected
