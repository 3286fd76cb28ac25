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

-- Each date on which a period of an input ended, from the first that new batches, or a new query of the KPI, can change.
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
    where k.digest is not null
),
input_periods as (
    select s.indicator, o.period_end, max(o.batch_id) as batch_id
    from store.observations as o
    join store.series as s using (series_id)
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
select distinct u.kpi, u.period_end as as_of, true as is_history
from used as u
join changed as c using (kpi)
where u.period_end >= c.first_changed
union all
select kpi, $as_of::date, false
from defined;
