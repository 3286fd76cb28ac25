-- Fills cache.latest of a copy, attached as `published`, with the current values of copied_series as of $as_of.
delete from published.cache.latest where series_id in (from copied_series);

insert into published.cache.latest by name
select
    h.series_id, s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value, h.status, h.source, h.page, h.note,
    h.batch_id, h.recorded_at, h.previous_period_end, h.previous_value
from store.cached_holdings as h
join store.series as s using (series_id)
where h.holds_from <= $as_of::date and (h.holds_until is null or h.holds_until > $as_of::date)
    and h.series_id in (from copied_series)
order by h.series_id;
