-- Observations: every revision, the current ones, and those known at a time.

-- The current revision of each observation as known at the time t: the one with the highest batch_id.
-- `observed` names store.observations, or a table of some of its rows.
-- A filter on series_id is pushed down to the table, which it is not if rows are selected by rowid. DuckDB 1.5.5 fails with an
-- internal error on `row_number() ... = 1` here, under the view store.holdings.
create or replace macro store.revisions_known_at(observed, t) as table
select *
from query_table(observed)
where recorded_at <= t
qualify batch_id = max(batch_id) over (partition by series_id, period_start, period_end);

create or replace view store.computed_revisions as
from store.revisions_known_at('store.observations', known_at_time());

comment on view store.computed_revisions is 'A row is as in store.current_revisions, computed from all revisions.';

create or replace view store.cached_revisions as
select series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at
from cache.revisions;

comment on view store.cached_revisions is 'A row is as in store.current_revisions, without the batches that the cache does not include.';

create or replace view store.changed_revisions as
with changed as not materialized (
    select *
    from store.observations
    where series_id in (select series_id from store.changed_series)
)
from store.revisions_known_at(changed, known_at_time());

comment on view store.changed_revisions is 'A row is the current revision of an observation of a series in changed_series.';

create or replace view store.merged_revisions as
select *
from store.cached_revisions
where series_id not in (select series_id from store.changed_series)
union all
select *
from store.changed_revisions;

comment on view store.merged_revisions is 'A row is as in store.current_revisions, from the cache and the batches after it.';

create or replace view store.current_revisions as
from query_table(store.choose_source('revisions'));

comment on view store.current_revisions is 'A row is the current revision of an observation, by number of its series.';

-- The previous period: the longest one that starts on the same day (cumulative values) or, if there is none, the shortest one
-- that ends the day before. A row is a row of `chosen` with the observation of the previous period in `known`, if there is one.
-- `chosen` and `known` name tables of observations by number of their series; `known` may have every revision.
-- Two joins on equality and their union take 75 % of the time of one join with `or`.
-- A provisional count of events has no previous period: its own may be open, so that it covers a shorter time.
create or replace macro store.periods_before(chosen, known) as table
with comparable as (
    select *
    from query_table(chosen)
    where not (status = 'P' and series_id in (select series_id from store.counted_series))
),
earlier as (
    select c.series_id, c.period_start, c.period_end, k.period_start as start_before, k.period_end as end_before, k.value, k.status, k.batch_id
    from comparable as c
    join query_table(known) as k on k.series_id = c.series_id and k.period_start = c.period_start and k.period_end < c.period_end
    union all
    select c.series_id, c.period_start, c.period_end, k.period_start, k.period_end, k.value, k.status, k.batch_id
    from comparable as c
    join query_table(known) as k on k.series_id = c.series_id and k.period_end = c.period_start - 1
)
select
    series_id, period_start, period_end, start_before as previous_period_start, end_before as previous_period_end,
    value as previous_value, status as previous_status
from earlier
qualify row_number() over (
    partition by series_id, period_start, period_end order by holding_order(start_before, end_before, batch_id) desc
) = 1;

create or replace view observation_revisions as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.observations as o
join store.series as s using (series_id);

comment on view observation_revisions is 'A row is one revision of one observation: its value as recorded at one time.';

create or replace macro observations_known_at(t) as table
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.revisions_known_at('store.observations', t::timestamptz) as o
join store.series as s using (series_id);

comment on macro table observations_known_at is 'The observations as they were known at the time t.';

create or replace view observations as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.current_revisions as o
join store.series as s using (series_id);

comment on view observations is 'A row is one observation: the current revision of one series in one period.';
