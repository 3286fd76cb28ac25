-- A row is an alert that fires, or that was resolved at $since or later: the most severe first, then the newest.
select
    n.fingerprint, n.status, n.alert, n.metric, coalesce(n.mission, '') as mission, n.severity, n.labels, n.value, n.limit_value,
    n.labels['comparison'] as comparison, coalesce(n.annotations['summary'], n.alert) as summary,
    try_cast(n.annotations['period_end'] as date) as period_end, n.starts_at, n.ends_at, f.acknowledged_by, f.acknowledgement,
    f.acknowledged_at, f.value_now, f.limit_now
from store.newest_alerts as n
left join firing_alerts as f using (fingerprint)
where n.status = 'firing' or n.ends_at >= $since
order by n.severity = 'critical' desc, n.severity = 'warning' desc, n.starts_at desc, n.fingerprint
