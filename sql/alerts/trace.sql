-- A row is a revision of the observation of an alert, with its batch and file, newest first.
with about as (
    select indicator, dimensions
    from store.current_indicators
    where metric = $metric or ($metric = 'a4p_indicator_change' and indicator = $indicator)
)
select
    o.indicator, o.mission, o.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, b.file_name, b.loaded_by, strftime(o.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at
from observation_revisions as o
join about as a using (indicator)
join batches as b using (batch_id)
where o.mission = $mission
    and o.period_end = try_cast($period_end as date)
    and list_has_all(map_entries($labels::map(varchar, varchar)), map_entries(o.dimensions))
order by o.batch_id desc
