-- A row is a batch whose events differ from the recorded digest.
select 'batch ' || b.batch_id || ': the events differ from the digest recorded when they were loaded' as fault
from store.event_batches as b
left join store.digest_event_batches(0) as d using (batch_id)
where b.hash_check = store.hash_check()
    and (coalesce(d.digest, 0), coalesce(d.event_rows, 0)) is distinct from (b.digest, b.event_rows)
