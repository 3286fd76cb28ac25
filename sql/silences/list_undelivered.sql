-- A row is a silence whose newest state Alertmanager does not have: it has not ended, or it was ended early.
select
    silence_id, alert, metric, mission, severity, dimensions, starts_at, ends_at, note, set_by, ended_by, alertmanager_id,
    is_delivered
from silences
where not is_delivered and (ends_at > $now::timestamptz or ended_by is not null)
order by starts_at, silence_id
