-- Replaces the history of reported values by the history of values that are valid from the instant at which they were recorded.
-- A row of some_holdings is as in the view holdings, of a metric that ever had a threshold.
create or replace temp table some_holdings as
select *
from holdings
where indicator in (
    select indicator
    from indicators
    where metric in (select metric from store.thresholds) or 'a4p_indicator_change' in (select metric from store.thresholds)
);

create or replace temp table recorded as
from store.recorded_history('some_holdings');

drop table some_holdings;

-- A row of history_series is one series of this history with its number from 0, by metric.
create or replace temp table history_series as
with series as (
    select distinct metric, labels
    from recorded
)
select (row_number() over (order by metric) - 1)::integer as number, metric, labels, false as grows
from series;

-- A row of history_rows is a value of a numbered series from an instant on, in milliseconds since 1970; NaN ends the series.
create or replace temp table history_rows as
with numbered as (
    select s.number, r.starts, r.ends, r.value
    from recorded as r
    join history_series as s using (metric, labels)
),
turns as (
    select number, starts as turn, value
    from numbered
    union all
    select number, ends, null
    from numbered
    where isfinite(ends)
),
-- Times are rounded up to a millisecond. If one value ends and another begins at the same instant, the second one is used.
seen as (
    select number, ceil(epoch_us(turn) / 1000)::bigint as start, value
    from turns
    qualify row_number() over (partition by number, start order by turn desc, value is null) = 1
),
changed as (
    select *
    from seen
    qualify value is distinct from lag(value) over (partition by number order by start)
)
select number, start, coalesce(value, 'nan'::double) as value
from changed
order by number, start;
