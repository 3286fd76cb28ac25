-- A row of some_revisions is the current revision of an observation of a metric that ever had a threshold.
create or replace temp table some_revisions as
with governed as (
    select *
    from store.observations
    where series_id in (
        select s.series_id
        from store.series as s
        join indicators as i using (indicator)
        where i.metric in (select metric from store.thresholds)
            or 'a4p_indicator_change' in (select metric from store.thresholds)
    )
)
from store.revisions_known_at(governed, known_at_time());
