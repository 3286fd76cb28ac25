-- A row is a series with two values for one period in one batch, so that the current one is ambiguous.
select
    'series ' || series_id || ' has ' || count(*) || ' values for ' || period_start || ' to ' || period_end
    || ' in batch ' || batch_id as fault
from store.observations
group by series_id, period_start, period_end, batch_id
having count(*) > 1
