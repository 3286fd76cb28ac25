-- Adds the current revisions of the changed series $first to $last to the new rows of the cache.
create or replace temp table some_revisions as
with changed as not materialized (
    from store.observations
    where series_id between $first and $last and series_id in (from changed_series)
)
from store.revisions_known_at(changed, known_at_time());

insert into cache.revisions
select r.*, h.holds_from, h.holds_until, h.previous_period_end, h.previous_value
from some_revisions as r
left join store.holdings_of('some_revisions') as h using (series_id, period_start, period_end)
order by series_id, period_end, period_start;
