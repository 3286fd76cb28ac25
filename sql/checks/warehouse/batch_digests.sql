-- A row is a batch whose observations differ from the recorded digest.
select 'batch ' || d.batch_id || ': the observations differ from the digest recorded when they were loaded' as fault
from store.batch_digests as d
left join store.digest_batches(0) as c using (batch_id)
where d.hash_check = store.hash_check()
    and (d.digest, d.observations) is distinct from (c.digest, c.observations)
