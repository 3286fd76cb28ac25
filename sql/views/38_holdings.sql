-- The validity of each observation: the views `latest` and `changes` for all dates at once.
-- `revisions` names a table of current revisions, such as store.current_revisions.
create or replace macro store.holdings_of(revisions) as table
-- Materialized, because three steps read it: DuckDB 1.5.5 selects the current revisions anew in each, and takes 1.2 times as long.
with known as materialized (
    from query_table(revisions)
),
-- Of the periods that end on one day the shortest is valid: the last in this order, so the next row has a later end.
timed as (
    select *, lead(period_end) over (partition by series_id order by period_end, period_start) as holds_until
    from known
    qualify period_end is distinct from holds_until
)
select
    t.series_id, t.period_start, t.period_end, t.value, t.status, t.source, t.page, t.note, t.batch_id, t.recorded_at,
    t.period_end as holds_from, t.holds_until, p.previous_period_end, p.previous_value
from timed as t
left join store.periods_before(timed, known) as p using (series_id, period_start, period_end);

create or replace view store.computed_holdings as
from store.holdings_of('store.computed_revisions');

comment on view store.computed_holdings is 'A row is as in store.holdings, computed from all revisions.';

create or replace view store.cached_holdings as
select
    series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at, holds_from, holds_until,
    previous_period_end, previous_value
from cache.revisions
where holds_from is not null;

comment on view store.cached_holdings is 'A row is as in store.holdings, without the batches that the cache does not include.';

create or replace view store.merged_holdings as
select *
from store.cached_holdings
where series_id not in (select series_id from store.changed_series)
union all
select *
from store.holdings_of('store.changed_revisions');

comment on view store.merged_holdings is 'A row is as in store.holdings, from the cache and the batches after it.';

create or replace view store.holdings as
from query_table(store.choose_source('holdings'));

comment on view store.holdings is 'A row is an observation that is valid on some date, by number of its series.';

create or replace view holdings as
select
    s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value, h.status, h.source, h.page, h.note,
    h.batch_id, h.recorded_at, h.holds_from, h.holds_until, h.previous_period_end, h.previous_value
from store.holdings as h
join store.series as s using (series_id);

comment on view holdings is 'A row is an observation that is valid on some date, with the dates of its validity.';
