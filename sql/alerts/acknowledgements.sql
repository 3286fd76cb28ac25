-- A row is an acknowledgement of the alert $fingerprint, the newest first.
select
    acknowledged_by, note,
    strftime(starts_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as starts_at,
    strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at
from store.alert_acknowledgements
where fingerprint = $fingerprint
order by store.alert_acknowledgements.recorded_at desc
