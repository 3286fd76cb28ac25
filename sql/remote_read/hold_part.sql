-- Add what holds of the series $first to $last: to compute all at once takes several times the memory of the observations.
create or replace temp table some_observations as
select * replace (null::varchar as source, null::varchar as page, null::varchar as note)
from store.observations
where series_id between $first and $last and recorded_at <= known_at_time();

create or replace temp table some_revisions as
select *
from some_observations
where rowid in (
    select arg_max(rowid, batch_id)
    from some_observations
    group by series_id, period_start, period_end
);

insert into held
select series_id, holds_from, holds_until, period_end, value, value - previous_value, status
from store.holdings_of('some_revisions');
