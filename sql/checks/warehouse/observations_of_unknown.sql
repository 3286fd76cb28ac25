-- A row is a series or batch that observations refer to but that does not exist.
select 'series ' || series_id || ' has ' || count(*) || ' observations, but does not exist' as fault
from store.observations
where series_id not in (select series_id from store.series)
group by series_id
union all
select 'batch ' || batch_id || ' has ' || count(*) || ' observations, but does not exist'
from store.observations
where batch_id not in (select batch_id from store.batches)
group by batch_id
