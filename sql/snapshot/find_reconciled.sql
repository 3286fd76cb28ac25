-- A row is an indicator with observations in batches after $batch_id; null if they have events.
select distinct s.indicator
from store.observations as o
join store.series as s using (series_id)
where o.batch_id > $batch_id
union all
(
    select null
    from store.events
    where batch_id > $batch_id
    limit 1
)
