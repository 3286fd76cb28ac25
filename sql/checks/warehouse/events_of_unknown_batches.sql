-- A row is a batch that events refer to but that does not exist.
select 'batch ' || batch_id || ' has ' || count(*) || ' events, but does not exist' as fault
from store.events
where batch_id not in (select batch_id from store.event_batches)
group by batch_id
