-- A row is a silence, the last to end first. $active_at selects those that have not ended by then; $silence_id selects one.
select
    silence_id, alert, metric, mission, severity, dimensions, starts_at, ends_at, note, set_by, ended_by, alertmanager_id,
    is_delivered
from silences
where ($active_at::timestamptz is null or ends_at > $active_at) and ($silence_id::varchar is null or silence_id = $silence_id)
order by ends_at desc, silence_id
