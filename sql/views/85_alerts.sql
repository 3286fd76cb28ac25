-- Alerts as Alertmanager told them: every notification, and how each alert stands.
create or replace view alerts as
select
    fingerprint, status, alert, metric, mission, severity, value, limit_value, labels, annotations, starts_at, ends_at, recorded_at
from store.alerts;

comment on view alerts is 'A row is one notification of one alert; the newest of a fingerprint says how it stands.';
comment on column alerts.fingerprint is 'What tells one alert from another: Alertmanager''s digest of its labels.';
comment on column alerts.status is 'firing or resolved.';
comment on column alerts.alert is 'Name of the alert.';
comment on column alerts.metric is 'Metric it is on; null for an alert about the service.';
comment on column alerts.mission is 'Mission, or ALL; null where it is about none.';
comment on column alerts.severity is 'info, warning or critical.';
comment on column alerts.value is 'The figure, as the alert told it.';
comment on column alerts.limit_value is 'The limit, as the alert told it.';
comment on column alerts.labels is 'Every label of the alert.';
comment on column alerts.annotations is 'Every annotation: summary, period_end, source, link and others.';
comment on column alerts.starts_at is 'Since when it fires, UTC.';
comment on column alerts.ends_at is 'When it was resolved, UTC; null while it fires.';
comment on column alerts.recorded_at is 'When the notification came, UTC.';

create or replace view firing_alerts as
with newest as (
    select *
    from alerts
    qualify row_number() over (partition by fingerprint order by recorded_at desc, starts_at desc, status = 'resolved' desc) = 1
),
acknowledged as (
    select *
    from store.alert_acknowledgements
    qualify row_number() over (partition by fingerprint, starts_at order by recorded_at desc) = 1
)
select
    n.fingerprint, n.alert, n.metric, n.mission, n.severity, n.value, n.limit_value, n.labels, n.annotations, n.starts_at,
    a.acknowledged_by, a.note as acknowledgement, a.recorded_at as acknowledged_at
from newest as n
left join acknowledged as a using (fingerprint, starts_at)
where n.status = 'firing';

comment on view firing_alerts is 'A row is an alert that fires now, as far as Alertmanager has told.';
comment on column firing_alerts.fingerprint is 'What tells one alert from another: Alertmanager''s digest of its labels.';
comment on column firing_alerts.alert is 'Name of the alert.';
comment on column firing_alerts.metric is 'Metric it is on; null for an alert about the service.';
comment on column firing_alerts.mission is 'Mission, or ALL; null where it is about none.';
comment on column firing_alerts.severity is 'info, warning or critical.';
comment on column firing_alerts.value is 'The figure, as the alert told it.';
comment on column firing_alerts.limit_value is 'The limit, as the alert told it.';
comment on column firing_alerts.labels is 'Every label of the alert.';
comment on column firing_alerts.annotations is 'Every annotation: summary, period_end, source, link and others.';
comment on column firing_alerts.starts_at is 'Since when it fires, UTC.';
comment on column firing_alerts.acknowledged_by is 'Who has seen it; null where nobody said so.';
comment on column firing_alerts.acknowledgement is 'What they noted.';
comment on column firing_alerts.acknowledged_at is 'When, UTC.';
