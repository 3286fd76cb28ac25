-- Append the notifications ($alerts, a JSON list) that say something new; the same one told again is no row.
insert into store.alerts
with told as (
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
    from told
)
select r.*, $now::timestamptz
from rows as r
where not exists (
    from store.alerts as s
    where s.fingerprint = r.fingerprint
        and s.status = r.status
        and s.starts_at = r.starts_at
        and s.ends_at is not distinct from r.ends_at
        and s.value is not distinct from r.value
        and s.limit_value is not distinct from r.limit_value
)
