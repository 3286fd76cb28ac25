-- A row of kpi_computed is a KPI value as of a date. A row of kpi_dates is a date as of which a KPI is computed now.
create or replace temp table kpi_computed (
    kpi varchar,
    mission varchar,
    dimensions map(varchar, varchar),
    as_of date,
    value double,
    missions varchar[],
    missions_expected integer
);

-- A row is a mission that is expected to report every input of a KPI, while it is open.
create or replace temp table kpi_expected as
with expected as (
    select p.kpi, p.input_count, e.indicator, e.mission, e.status, e.opened_on, e.closed_on
    from store.kpi_inputs as p
    join store.expected_missions as e using (indicator)
)
select kpi, mission, status, opened_on, closed_on, list(indicator) as inputs
from expected
where mission <> 'ALL'
group by kpi, mission, status, opened_on, closed_on
having count(*) = max(input_count);

-- A row is a KPI over the events of a feed, with the last day that the exports cover, and that of the exports before those that its
-- history does not have. A changed query or catalogue, as it has the dates of missions, has the whole history computed again.
create or replace temp table kpi_windows as
with histories as (
    select kpi, arg_max(digest, computed_at) as digest, arg_max(batch_id, computed_at) as batch_id, max(computed_at) as computed_at
    from store.kpi_histories
    group by kpi
),
defined as (
    select
        k.kpi, k.feed, k.window_days,
        if(
            h.digest is not distinct from k.digest
            and h.computed_at >= (select max(recorded_at) from store.catalogues),
            h.batch_id, 0
        ) as seen_batch_id,
        (h.computed_at at time zone 'UTC')::date - 1 as computed_until
    from store.newest_kpis as k
    left join histories as h using (kpi)
    where k.digest is not null and k.feed is not null
)
select
    d.kpi, d.feed, d.window_days, d.seen_batch_id, d.computed_until,
    (max(e.exported_at) at time zone 'UTC')::date as covered_until,
    (max(e.exported_at) filter (where e.batch_id <= d.seen_batch_id) at time zone 'UTC')::date as covered_before,
    max(e.batch_id) > d.seen_batch_id as has_new_events
from defined as d
join event_loads as e using (feed)
group by d.kpi, d.feed, d.window_days, d.seen_batch_id, d.computed_until;

-- A row is a date on which the value of a KPI over events can change: an event enters the window or leaves it, a mission opens or
-- ends, or the last window that the exports cover ends. Dates of recorded values are among them, as an event may have moved.
create or replace temp table kpi_window_dates as
with new_windows as (
    from kpi_windows
    where has_new_events or covered_until + window_days > computed_until
),
occurred as (
    select distinct w.kpi, e.occurred_on
    from new_windows as w
    join store.events as e using (feed)
),
turns as (
    select w.kpi, unnest([m.opened_on, m.interrupted_from, m.interrupted_until + 1, m.closed_on + 1]) as as_of
    from new_windows as w
    cross join store.current_missions as m
    where m.mission <> 'ALL'
),
candidates as (
    select kpi, occurred_on as as_of
    from occurred
    union
    select o.kpi, o.occurred_on + w.window_days
    from occurred as o
    join new_windows as w using (kpi)
    union
    select kpi, as_of
    from turns
    union
    select kpi, covered_until + window_days
    from new_windows
    union
    select kpi, as_of
    from store.kpi_values
    where kpi in (select kpi from new_windows)
),
changed_events as (
    select distinct w.kpi, e.event_id
    from new_windows as w
    join store.events as e on e.feed = w.feed and e.batch_id > w.seen_batch_id and e.change <> 'confirmed'
    where w.seen_batch_id > 0
),
changed as (
    select distinct w.kpi, e.occurred_on as first_day, e.occurred_on + w.window_days as last_day
    from changed_events as c
    join new_windows as w using (kpi)
    join store.events as e using (feed, event_id)
    union all
    -- Windows leave events behind also on days on which nothing is loaded, or the service does not run.
    select
        kpi,
        if(seen_batch_id = 0, '-infinity'::date, if(has_new_events, least(covered_before, computed_until), computed_until)),
        'infinity'::date
    from new_windows
)
select distinct c.kpi, c.as_of
from candidates as c
join new_windows as w using (kpi)
join changed as x on x.kpi = c.kpi and c.as_of between x.first_day and x.last_day
where c.as_of <= w.covered_until + w.window_days and c.as_of < $as_of;

-- Each date on which a period of an input ended, from the first that new batches, or a new query of the KPI, can change; the dates of
-- KPIs over events; and the current date. A value at the end of a period is recorded also if it equals the one before.
create or replace temp table kpi_dates as
with histories as (
    select kpi, arg_max(digest, computed_at) as digest, arg_max(batch_id, computed_at) as batch_id
    from store.kpi_histories
    group by kpi
),
defined as (
    select
        k.kpi, k.inputs,
        if(h.digest is not distinct from k.digest, h.batch_id, 0) as seen_batch_id
    from store.newest_kpis as k
    left join histories as h using (kpi)
    where k.digest is not null and k.feed is null
),
input_periods as (
    select indicator, period_end, max(batch_id) as batch_id
    from store.given_reports
    group by all
),
used as (
    select d.kpi, d.seen_batch_id, p.period_end, p.batch_id
    from defined as d
    join input_periods as p on d.inputs = ['*'] or list_contains(d.inputs, p.indicator)
),
changed as (
    select kpi, min(period_end) as first_changed
    from used
    where batch_id > seen_batch_id
    group by kpi
)
select distinct u.kpi, u.period_end as as_of, true as is_history, true as is_period_end
from used as u
join changed as c using (kpi)
where u.period_end >= c.first_changed
union all
select kpi, as_of, true, false
from kpi_window_dates
union all
select kpi, $as_of::date, false, false
from store.newest_kpis
where digest is not null;
