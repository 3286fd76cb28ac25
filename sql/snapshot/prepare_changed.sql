-- The rows of `latest` and `changes` of changed_blocks. They are selected by the numbers of their series, for which few rows are read.
create or replace temp table changed_series_ids as
select series_id
from store.series
where (indicator, mission) in (from changed_blocks);

create or replace temp table changed_latest as
select s.indicator, s.mission, s.dimensions, o.period_end, o.value, o.status
from store.latest_observations as o
join store.series as s using (series_id)
where o.series_id in (from changed_series_ids);

create or replace temp table changed_changes as
select s.indicator, s.mission, s.dimensions, h.value - h.previous_value as change
from store.holdings as h
join store.series as s using (series_id)
where h.series_id in (from changed_series_ids)
    and h.holds_from <= as_of_date() and (h.holds_until is null or h.holds_until > as_of_date())
    and h.value is not null and h.previous_value is not null;
