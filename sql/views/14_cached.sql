-- What the tables of the schema cache include, and what was recorded since (docs/decisions/cached-revisions.md).

-- The newest batch that cache.revisions and cache.reports include; -1 if they cannot be used. A new catalogue empties cache.states.
create or replace macro store.cached_batch() as coalesce((select max(batch_id) from cache.states), -1);

-- Whether the cache has every batch: known in a snapshot, and in a copy, where this macro is replaced by `true`.
create or replace macro store.is_complete() as coalesce(getvariable('cache_is_complete')::boolean, false);

-- The name of the view that a query reads: with known_at set, one that is computed from all revisions; otherwise the cache, with what
-- is newer than it if there can be something. DuckDB evaluates this before it plans a query, so that no plan has the other views.
create or replace macro store.choose_source(name) as
    'store.' || if(getvariable('known_at') is not null, 'computed_', if(store.is_complete(), 'cached_', 'merged_')) || name;

-- The date of which cache.latest has the current values. Only copies have them: there, this macro is replaced by their date.
create or replace macro store.stored_as_of() as null::date;

-- The same for views of the values of one date: as of the date of cache.latest they are read from it.
create or replace macro store.choose_values(name) as
    'store.' || case
        when getvariable('known_at') is not null then 'computed_'
        when as_of_date() = store.stored_as_of() then 'stored_'
        else 'held_'
    end || name;

-- The same for what only copies have: of the date of cache.latest, and of every date.
create or replace macro store.choose_stored(name) as
    'store.' || if(getvariable('known_at') is null and as_of_date() = store.stored_as_of(), 'stored_', 'computed_') || name;

create or replace macro store.choose_copied(name) as
    'store.' || if(getvariable('known_at') is null and store.stored_as_of() is not null, 'stored_', 'computed_') || name;

create or replace view store.changed_series as
select distinct series_id
from store.observations
where batch_id > store.cached_batch();

comment on view store.changed_series is 'A row is a series with observations that cache.revisions does not include.';

create or replace view store.changed_reports as
select distinct s.indicator, s.mission, o.period_start, o.period_end
from store.observations as o
join store.series as s using (series_id)
where o.batch_id > store.cached_batch();

comment on view store.changed_reports is 'A row is the report of a mission on an indicator for a period, with observations that cache.reports does not include.';

-- The status of the report of a mission for a period of an indicator, over all dimensions. Precedence: a value or not applicable, under validation, missing.
-- `revisions` names a table of current revisions of observations by number of their series.
create or replace macro store.reports_of_current(revisions) as table
select
    s.indicator, s.mission, c.period_start, c.period_end,
    case
        when bool_or(c.status not in ('O', 'L', 'V')) then 'reported'
        when bool_or(c.status = 'V') then 'under validation'
        else 'missing'
    end as state,
    bool_and(c.status = 'M') as is_not_applicable,
    count(*)::integer as observation_count,
    count(c.value)::integer as value_count,
    max(c.recorded_at) as recorded_at,
    max(c.batch_id) as batch_id
from query_table(revisions) as c
join store.series as s using (series_id)
group by all;

-- `observed` names a table of all revisions. Reading the current ones from store.current_revisions takes 1.6 times as long.
create or replace macro store.reports_of(observed) as table
with current_statuses as (
    select
        series_id, period_start, period_end, arg_max(status, batch_id) as status, arg_max_null(value, batch_id) as value,
        arg_max(recorded_at, batch_id) as recorded_at, max(batch_id) as batch_id
    from query_table(observed)
    where recorded_at <= known_at_time()
    group by series_id, period_start, period_end
)
from store.reports_of_current(current_statuses);

create or replace view store.computed_reports as
from store.reports_of('store.observations');

comment on view store.computed_reports is 'A row is as in store.given_reports, computed from all revisions.';

create or replace view store.cached_reports as
select
    indicator, mission, period_start, period_end, state, is_not_applicable, observation_count, value_count, recorded_at, batch_id
from cache.reports;

comment on view store.cached_reports is 'A row is as in store.given_reports, without the batches that the cache does not include.';

create or replace view store.merged_reports as
with changed as not materialized (
    select *
    from store.observations
    where series_id in (
            select series_id
            from store.series
            where (indicator, mission) in (select (indicator, mission) from store.changed_reports)
        )
        and period_end in (select period_end from store.changed_reports)
)
select *
from store.cached_reports
where (indicator, mission, period_start, period_end) not in (
        select (indicator, mission, period_start, period_end) from store.changed_reports
    )
union all
select *
from store.reports_of(changed)
where (indicator, mission, period_start, period_end) in (
        select (indicator, mission, period_start, period_end) from store.changed_reports
    );

comment on view store.merged_reports is 'A row is as in store.given_reports, from the cache and the batches after it.';

create or replace view store.given_reports as
from query_table(store.choose_source('reports'));

comment on view store.given_reports is 'A row is the report of a mission on an indicator for a period, expected or not.';
