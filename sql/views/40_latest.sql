-- The current value of each series as of the variable as_of, known at the variable known_at; today and now when they are unset.
create or replace view store.computed_latest as
-- Finding the last day of each series first, and then sorting only its rows, takes half the time of sorting all rows.
with last_days as (
    select series_id, max(period_end) as period_end
    from store.observations
    where period_end <= as_of_date() and recorded_at <= known_at_time()
    group by series_id
)
select o.*
from store.observations as o
join last_days using (series_id, period_end)
where o.recorded_at <= known_at_time()
qualify row_number() over (
    partition by o.series_id order by holding_order(o.period_start, o.period_end, o.batch_id) desc
) = 1;

comment on view store.computed_latest is 'A row is as in store.latest_observations, computed from all revisions.';

create or replace view store.held_latest as
select series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at
from store.holdings
where holds_from <= as_of_date() and (holds_until is null or holds_until > as_of_date());

comment on view store.held_latest is 'A row is as in store.latest_observations, selected from store.holdings.';

create or replace view store.stored_latest as
select series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at
from cache.latest;

comment on view store.stored_latest is 'A row is as in store.latest_observations, as of the date of the copy.';

-- Computing the validity of every observation takes longer than finding those of one date.
create or replace view store.latest_observations as
from query_table(store.choose_values('latest'));

comment on view store.latest_observations is 'A row is the current observation of a series, by number of the series.';

create or replace view store.held_named as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.held_latest as o
join store.series as s using (series_id);

comment on view store.held_named is 'A row is as in latest, selected from store.holdings.';

create or replace view store.computed_named as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.computed_latest as o
join store.series as s using (series_id);

comment on view store.computed_named is 'A row is as in latest, computed from all revisions.';

create or replace view store.stored_named as
select
    indicator, mission, dimensions, period_start, period_end, value, status, source, page, note, batch_id, recorded_at
from cache.latest;

comment on view store.stored_named is 'A row is as in latest, as of the date of the copy.';

create or replace view latest as
from query_table(store.choose_values('named'));

comment on view latest is 'A row is a series with its current value as of the variable as_of (today when unset); a null value means the series has ended.';

create or replace view store.computed_changes as
with reported as materialized (
    select series_id, period_start, period_end, value, status
    from store.computed_latest
    where value is not null
),
-- Not materialized, because DuckDB 1.5.5 stores every column of every observation otherwise.
known as not materialized (
    select *
    from store.observations
    where recorded_at <= known_at_time()
)
select
    s.indicator, s.mission, s.dimensions, r.period_start, r.period_end, r.value,
    p.previous_period_end, p.previous_value, r.value - p.previous_value as change
from reported as r
join store.periods_before(reported, known) as p using (series_id)
join store.series as s using (series_id)
where p.previous_value is not null;

comment on view store.computed_changes is 'A row is as in store.series_changes, computed from all revisions.';

create or replace view store.held_changes as
select
    s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value,
    h.previous_period_end, h.previous_value, h.value - h.previous_value as change
from store.holdings as h
join store.series as s using (series_id)
where h.holds_from <= as_of_date() and (h.holds_until is null or h.holds_until > as_of_date())
    and h.value is not null and h.previous_value is not null;

comment on view store.held_changes is 'A row is as in store.series_changes, selected from store.holdings.';

create or replace view store.stored_changes as
select
    indicator, mission, dimensions, period_start, period_end, value, previous_period_end, previous_value,
    value - previous_value as change
from cache.latest
where value is not null and previous_value is not null;

comment on view store.stored_changes is 'A row is as in store.series_changes, as of the date of the copy.';

create or replace view store.series_changes as
from query_table(store.choose_values('changes'));

comment on view store.series_changes is 'A row is a series whose latest value (see latest) has a value in the previous period.';

create or replace view store.computed_values as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    c.previous_value, c.change
from store.computed_latest as o
join store.series as s using (series_id)
left join store.computed_changes as c using (indicator, mission, dimensions);

comment on view store.computed_values is 'A row is as in store.latest_values, computed from all revisions.';

create or replace view store.held_values as
select
    s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value, h.status, h.source, h.page, h.note,
    if(h.value is null, null, h.previous_value) as previous_value, h.value - h.previous_value as change
from store.holdings as h
join store.series as s using (series_id)
where h.holds_from <= as_of_date() and (h.holds_until is null or h.holds_until > as_of_date());

comment on view store.held_values is 'A row is as in store.latest_values, selected from store.holdings.';

create or replace view store.stored_values as
select
    indicator, mission, dimensions, period_start, period_end, value, status, source, page, note,
    if(value is null, null, previous_value) as previous_value, value - previous_value as change
from cache.latest;

comment on view store.stored_values is 'A row is as in store.latest_values, as of the date of the copy.';

-- Joining latest and series_changes by their dimensions takes twice as long.
create or replace view store.latest_values as
from query_table(store.choose_values('values'));

comment on view store.latest_values is 'A row is a series with its current value and its change since the previous period.';
