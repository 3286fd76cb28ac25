-- Append the new notifications ($alerts, a JSON list). Repeated notifications are not recorded.
-- An alert that fires again may have its earlier start: Alertmanager merges it with its predecessor if they overlap. So a
-- firing notification is compared only with those since the alert was last resolved.
insert into store.alerts
with received as (
    select unnest(from_json($alerts::json, '[{
        "fingerprint": "VARCHAR", "status": "VARCHAR", "labels": "MAP(VARCHAR, VARCHAR)",
        "annotations": "MAP(VARCHAR, VARCHAR)", "starts_at": "TIMESTAMPTZ", "ends_at": "TIMESTAMPTZ"
    }]')) as a
),
rows as (
    select distinct
        a.fingerprint as fingerprint, a.status as status, a.labels['alertname'] as alert, a.labels['metric'] as metric,
        a.labels['mission'] as mission, a.labels['severity'] as severity, try_cast(a.annotations['value'] as double) as value,
        try_cast(a.annotations['limit'] as double) as limit_value, a.labels as labels, a.annotations as annotations,
        a.starts_at as starts_at, if(a.status = 'resolved', a.ends_at, null) as ends_at
    from received
),
last_resolved as (
    select fingerprint, max(recorded_at) as resolved_at
    from store.alerts
    where status = 'resolved' and fingerprint in (select fingerprint from rows)
    group by fingerprint
)
select r.*, $now::timestamptz
from rows as r
where not exists (
    from store.alerts as s
    left join last_resolved as l using (fingerprint)
    where s.fingerprint = r.fingerprint
        and s.status = r.status
        and s.starts_at = r.starts_at
        and s.ends_at is not distinct from r.ends_at
        and s.value is not distinct from r.value
        and s.limit_value is not distinct from r.limit_value
        and (r.status = 'resolved' or l.resolved_at is null or s.recorded_at > l.resolved_at)
)
