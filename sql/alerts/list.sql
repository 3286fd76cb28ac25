-- A row is an alert that fires now.
select
    fingerprint, severity, alert, coalesce(mission, '') as mission,
    strftime(starts_at at time zone 'UTC', '%Y-%m-%d %H:%M') as since,
    value, limit_value, value_now, limit_now, period_end_now::varchar as period_end_now, metric, coalesce(annotations['summary'], '') as summary,
    coalesce(acknowledged_by || coalesce(': ' || acknowledgement, ''), '') as acknowledged
from firing_alerts
order by severity = 'critical' desc, severity = 'warning' desc, starts_at, fingerprint
