-- A row of some_revisions is the current revision of an observation in some_observations.
create or replace temp table some_revisions as
select *
from some_observations
where rowid in (
    select arg_max(rowid, batch_id)
    from some_observations
    group by series_id, period_start, period_end
);
