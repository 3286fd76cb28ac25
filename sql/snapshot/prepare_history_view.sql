-- As prepare_latest_history.sql, with a temporary view: the queries of a few dates read only what they need of a large warehouse.
drop table if exists temp.holdings;

create temp view holdings as
select
    s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value, h.status, h.source, h.page, h.note,
    h.batch_id, h.recorded_at, h.holds_from, h.holds_until, h.previous_period_end, h.previous_value
from store.holdings as h
join store.series as s using (series_id)
