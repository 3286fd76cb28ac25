-- A row of some_revisions is the current revision of an observation of the series $first to $last. All series at once would
-- take several times their memory.
create or replace temp table some_revisions as
select * replace (null::varchar as source, null::varchar as page, null::varchar as note)
from store.current_revisions
where series_id between $first and $last;
