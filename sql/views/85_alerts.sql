-- Alerts reported by Alertmanager: every notification, and the state of each alert.
create or replace view alerts as
select
    fingerprint, status, alert, metric, mission, severity, value, limit_value, labels, annotations, starts_at, ends_at, recorded_at
from store.alerts;

comment on view alerts is 'A row is one notification of one alert; the newest of a fingerprint is its state.';

-- When the service knew that a mission was closed: when its catalogue first had it, or the day after the last day.
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

comment on view store.mission_closures is 'A row is a mission with a closing, and the time from which the service knew it.';

create or replace macro describe_closure(mission, closed_on) as
    mission || coalesce(' closed on ' || closed_on, ' is closed; the catalogue has no date');

-- The metrics of alerts.
create or replace view store.alert_metrics as
select distinct metric
from store.alerts
where metric is not null;

comment on view store.alert_metrics is 'A row is a metric of an alert.';

-- The current values and limits of the series of alerts.
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

comment on view alert_values is 'A row is a series of a metric of an alert, with its current value and limits.';

create or replace view store.newest_alerts as
select *
from alerts
qualify row_number() over (partition by fingerprint order by recorded_at desc, starts_at desc, status = 'resolved' desc) = 1;

comment on view store.newest_alerts is 'A row is an alert, firing or resolved, as last reported by Alertmanager.';

create or replace view firing_alerts as
with acknowledged as (
    select *
    from store.alert_acknowledgements
    qualify row_number() over (partition by fingerprint, starts_at order by recorded_at desc) = 1
)
select
    n.fingerprint, n.alert, n.metric, n.mission, n.severity, n.value, n.limit_value, n.labels, n.annotations, n.starts_at,
    a.acknowledged_by, a.note as acknowledgement, a.recorded_at as acknowledged_at,
    v.value as value_now, v.limits[(n.labels['comparison']) || ' ' || n.severity] as limit_now, v.period_end as period_end_now
from store.newest_alerts as n
left join acknowledged as a using (fingerprint, starts_at)
left join alert_values as v
    on v.metric = n.metric and v.mission = n.mission and list_has_all(map_entries(n.labels), map_entries(v.dimensions))
where n.status = 'firing';

comment on view firing_alerts is 'A row is a firing alert, as last reported by Alertmanager.';
