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

-- When a mission closed, as far as the service could know: when its catalogue first had it, or the day after the last day.
create or replace view store.mission_closures as
with recorded as (
    select m.mission, min(c.recorded_at) as recorded_at
    from store.missions as m
    join store.catalogues as c using (catalogue_version)
    where m.status = 'closed' or m.closed_on is not null
    group by m.mission
)
select
    m.mission, m.closed_on,
    greatest(r.recorded_at, coalesce((m.closed_on + 1)::timestamp at time zone 'UTC', r.recorded_at)) as recorded_at
from main.missions as m
join recorded as r using (mission)
where m.status = 'closed' or m.closed_on is not null;

comment on view store.mission_closures is 'A row is a mission that is closed, or will be on a recorded day, and from when on the service knows that it is.';

create or replace macro describe_closure(mission, closed_on) as
    mission || coalesce(' closed on ' || closed_on, ' is closed; the catalogue has no date');

-- The metrics that alerts are on.
create or replace view store.alert_metrics as
select distinct metric
from store.alerts
where metric is not null;

comment on view store.alert_metrics is 'A row is a metric that an alert is on.';

-- What the series that alerts are on show now, and the limits that govern them now.
create or replace view alert_values as
with shown as materialized (
    from threshold_holdings('store.alert_metrics')
    where holds_from <= as_of_date() and (holds_until is null or holds_until > as_of_date())
),
governing as (
    from governing_thresholds('thresholds', shown)
)
select
    s.metric, s.mission, s.dimensions, s.value, s.period_end, s.unreported_period_end,
    map_from_entries(list({'key': g.comparison || ' ' || g.severity, 'value': g.limit_value}) filter (where g.metric is not null))
        as limits
from shown as s
left join governing as g using (metric, mission, dimensions)
group by all;

comment on view alert_values is 'A row is a series of a metric that an alert is on: its value now and the limits that govern it.';
comment on column alert_values.metric is 'Metric of the series.';
comment on column alert_values.mission is 'Mission, or ALL.';
comment on column alert_values.dimensions is 'Labels of the series other than mission: name to value.';
comment on column alert_values.value is 'Value that is compared now; where the newest period is unreported, the one before it.';
comment on column alert_values.period_end is 'Last day of the period of the value; for a KPI the date it is as of.';
comment on column alert_values.unreported_period_end is 'Last day of the newest period where that has no value; null where it has.';
comment on column alert_values.limits is 'Limits that govern it: comparison and severity, such as above warning, to limit.';

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
    a.acknowledged_by, a.note as acknowledgement, a.recorded_at as acknowledged_at,
    v.value as value_now, v.limits[(n.labels['comparison']) || ' ' || n.severity] as limit_now, v.period_end as period_end_now
from newest as n
left join acknowledged as a using (fingerprint, starts_at)
left join alert_values as v
    on v.metric = n.metric and v.mission = n.mission and list_has_all(map_entries(n.labels), map_entries(v.dimensions))
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
comment on column firing_alerts.value_now is 'Value that is compared now; null where the series has ended, or for an alert about the service.';
comment on column firing_alerts.limit_now is 'Limit that governs the series now; null where the threshold was removed, or for an alert about the service.';
comment on column firing_alerts.period_end_now is 'Last day of the period of value_now; for a KPI the date it is as of.';
