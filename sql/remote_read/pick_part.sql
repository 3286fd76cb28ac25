-- A row of some_observations is an observation of the series $first to $last: to compute all at once takes several times their memory.
create or replace temp table some_observations as
select * replace (null::varchar as source, null::varchar as page, null::varchar as note)
from store.observations
where series_id between $first and $last and recorded_at <= known_at_time();
