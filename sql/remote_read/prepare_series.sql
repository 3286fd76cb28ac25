-- A row of held is an observation that holds from a date on: what the history needs of it, computed once.
create or replace temp table held as
select h.series_id, h.holds_from, h.holds_until, h.period_end, h.value, h.value - h.previous_value as change, h.status
from store.holdings as h;

create or replace temp table derived as
select * from store.derived_history('held');

-- A row of history_series is one series of the history with its number from 0, by metric.
create or replace temp table history_series as
with observed as (
    select 'observed' as source, s.series_id, i.metric, map_concat(map {'mission': s.mission}, s.dimensions) as labels, false as grows
    from store.series as s
    join indicators as i using (indicator)
),
changed as (
    select
        'changed', s.series_id, 'a4p_indicator_change',
        map_concat(map {'indicator': s.indicator, 'mission': s.mission}, s.dimensions), false
    from store.series as s
    where s.indicator in (select indicator from indicators)
        and s.series_id in (select series_id from held where change is not null)
),
derived_series as (
    select 'derived', null, metric, labels, bool_or(growth <> 0)
    from derived
    group by metric, labels
),
series as (
    select * from observed
    union all
    select * from changed
    union all
    select * from derived_series
)
select (row_number() over (order by metric) - 1)::integer as number, source, series_id, metric, labels, grows
from series;

-- A row of history_labels is one label of one series; an empty value is no label.
create or replace temp table history_labels as
with named as (
    select number, '__name__' as name, metric as value
    from history_series
    union all
    select number, unnest(map_keys(labels)), unnest(map_values(labels))
    from history_series
)
select number, name, value
from named
where value <> '';

-- A row of history_values is one value of one label, with its code from 1, in the order of the values.
create or replace temp table history_values as
with distinct_values as (
    select distinct name, value
    from history_labels
)
select name, value, row_number() over (partition by name order by value)::integer as code
from distinct_values;
