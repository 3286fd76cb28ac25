-- A row is an identifier that exists twice.
select 'batch ' || batch_id || ' exists ' || count(*) || ' times' as fault
from store.batches
group by batch_id
having count(*) > 1
union all
select 'series ' || series_id || ' exists ' || count(*) || ' times'
from store.series
group by series_id
having count(*) > 1
union all
select 'the series ' || indicator || ' ' || mission || ' ' || dimensions::varchar || ' exists ' || count(*) || ' times'
from store.series
group by indicator, mission, dimensions
having count(*) > 1
