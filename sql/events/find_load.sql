-- The newest load of the same bytes for a feed.
select b.recorded_at
from store.event_batches as e
join store.batches as b using (batch_id)
where e.feed = $feed and b.sha256 = $digest
order by b.batch_id desc
limit 1
