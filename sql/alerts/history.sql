-- A row is a notification of the alerts whose fingerprint begins with $fingerprint, the newest first.
select
    fingerprint, status, alert, value, limit_value, labels, annotations,
    strftime(starts_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as starts_at,
    strftime(ends_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as ends_at,
    strftime(recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at
from alerts
where starts_with(fingerprint, $fingerprint)
order by alerts.recorded_at desc, status = 'resolved' desc
