-- A row is a batch whose number of observations differs from the recorded number.
with counted as (
    select batch_id, count(*) as observations
    from store.observations
    group by batch_id
),
compared as (
    select b.batch_id, b.new_observations + b.revisions as recorded, coalesce(c.observations, 0) as found
    from store.batches as b
    left join counted as c using (batch_id)
)
select 'batch ' || batch_id || ' recorded ' || recorded || ' observations, but ' || found || ' are there' as fault
from compared
where recorded <> found
