-- A row of some_observations is an observation of a metric that ever had a threshold.
create or replace temp table some_observations as
select *
from store.observations
where recorded_at <= known_at_time() and series_id in (
    select s.series_id
    from store.series as s
    join indicators as i using (indicator)
    where i.metric in (select metric from store.thresholds)
        or 'a4p_indicator_change' in (select metric from store.thresholds)
);
