-- Silences: the current state of each.
create or replace view silences as
select
    silence_id, alert, metric, mission, severity, dimensions, starts_at, ends_at, note, set_by, ended_by, alertmanager_id,
    is_delivered, recorded_at
from store.silences
where recorded_at <= known_at_time()
qualify row_number() over (partition by silence_id order by recorded_at desc) = 1;

comment on view silences is 'A row is a silence: alerts with all its labels are not sent from starts_at until ends_at.';
