-- The tables that warning rules read, created in the transaction of a load after its cells were appended.
-- A row of loaded_cells is a cell with a value that the load recorded, new or revised.
create or replace temp table loaded_cells as
select s.series_id, s.period_start, s.period_end, s.value, s.file_ordinal, s.file_row
from staged_observations as s
left join recorded_cells as r using (series_id, period_start, period_end)
-- The deviation of larger values cannot be computed: its square exceeds a double.
where abs(s.value) < 1e100 and (r.series_id is null or not r.is_unchanged);

-- A row of loaded_series is a series of loaded_cells, with the definition of its indicator. Counts of events are left out:
-- they are computed, and their feed has checks of its own.
create or replace temp table loaded_series as
select
    s.series_id, s.indicator, s.mission, i.unit, i.frequency, i.cumulative, i.rare_event, i.expected_missions
from store.series as s
join store.current_indicators as i using (indicator)
where i.counted_from is null and s.series_id in (select series_id from loaded_cells);

-- A row of other_values is a value of one of these series that stays current after the load.
create or replace temp table other_values as
with held as (
    select o.series_id, o.period_start, o.period_end, arg_max_null(o.value, o.batch_id) as value
    from store.observations as o
    semi join loaded_series using (series_id)
    where o.batch_id < (select min(batch_id) from appended_batches)
    group by all
)
select h.series_id, h.period_start, h.period_end, h.value
from held as h
-- A staged cell without a value also replaces the recorded one.
anti join staged_observations using (series_id, period_start, period_end)
where abs(h.value) < 1e100
union all
select h.series_id, h.period_start, h.period_end, h.value
from held as h
join recorded_cells as r using (series_id, period_start, period_end)
where abs(h.value) < 1e100 and r.is_unchanged;

-- A row of series_values is a current value of one of these series after the load. is_loaded: the load recorded it.
create or replace temp view series_values as
select series_id, period_start, period_end, value, true as is_loaded
from loaded_cells
union all
select series_id, period_start, period_end, value, false
from other_values;

create or replace temp table found_warnings (
    series_id integer,
    period_start date,
    period_end date,
    rule varchar,
    message varchar
);

-- A row of poisson_means is a mean of rare events that a loaded value is compared with. poisson_limits has the limit of each.
create or replace temp table poisson_means as
with earlier as (
    select
        v.series_id, v.period_start, v.period_end, v.value, v.is_loaded, v.period_end - v.period_start + 1 as days,
        count(*) over earlier as earlier_values,
        sum(v.value) over earlier / sum(v.period_end - v.period_start + 1) over earlier as daily
    from series_values as v
    join loaded_series as s using (series_id)
    where s.rare_event and not coalesce(s.cumulative, false)
    window earlier as (
        partition by v.series_id order by v.period_end, v.period_start
        rows between unbounded preceding and 1 preceding
    )
)
select series_id, period_start, period_end, value, earlier_values, round(daily * days, 3) as mean
from earlier
where is_loaded and earlier_values >= 3;

create or replace temp table poisson_limits (
    mean double,
    highest bigint
);
