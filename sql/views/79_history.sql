-- The whole history in one view, by the names and labels of /metrics.

-- Every sample of /metrics, with the times of its validity.
create or replace view history as
with observed as (
    select
        i.metric, map_concat(map {'mission': s.mission}, s.dimensions) as labels,
        h.holds_from, h.holds_until, h.value, 0::double as growth
    from store.holdings as h
    join store.series as s using (series_id)
    join indicators as i using (indicator)
    where h.value is not null
),
changed as (
    select
        'a4p_indicator_change' as metric,
        map_concat(map {'indicator': s.indicator, 'mission': s.mission}, s.dimensions) as labels,
        h.holds_from, h.holds_until, h.value - h.previous_value as value, 0::double as growth
    from store.holdings as h
    join store.series as s using (series_id)
    where s.indicator in (select indicator from indicators) and h.value is not null and h.previous_value is not null
),
-- Materialized, because DuckDB 1.5.5 hangs without it.
derived as materialized (
    select
        metric, labels, as_of as holds_from,
        lead(as_of) over (partition by metric, labels order by as_of) as holds_until,
        value, growth
    from store.derived_history('store.holdings')
    qualify value is not null
),
held as (
    select * from observed
    union all
    select * from changed
    union all
    select * from derived
),
timed as (
    select
        metric, labels, starts_to_hold(holds_from) as starts,
        coalesce(starts_to_hold(holds_until), 'infinity'::timestamptz) as ends, value, growth
    from held
    union all
    select metric, labels, starts, ends, value, 0
    from store.recorded_history('holdings')
)
select metric, labels, starts, ends, value, growth
from timed;

comment on view history is 'A row is a value of a series of /metrics, with the instants from which and until which it is valid.';
