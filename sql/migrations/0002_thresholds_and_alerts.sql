-- Whether a4p itself set a threshold, as a default: a user may have the same name, so set_by cannot say it.
alter table store.thresholds add column is_default boolean;

-- A row is one notification of one alert, as Alertmanager sent it; the same notification sent again is not a row again.
create table store.alerts (
    fingerprint varchar not null,
    status varchar not null,
    alert varchar not null,
    metric varchar,
    mission varchar,
    severity varchar,
    value double,
    limit_value double,
    labels map(varchar, varchar) not null,
    annotations map(varchar, varchar) not null,
    starts_at timestamptz not null,
    ends_at timestamptz,
    recorded_at timestamptz not null
);

-- A row says that somebody has seen an alert, which then began at starts_at, and what is done about it.
create table store.alert_acknowledgements (
    fingerprint varchar not null,
    starts_at timestamptz not null,
    note varchar,
    acknowledged_by varchar not null,
    recorded_at timestamptz not null
);

-- A row says up to which batch the view reconciliation, made of the queries of this digest, has been recorded.
create table store.reconciliation_runs (
    batch_id integer not null,
    digest varchar not null,
    recorded_at timestamptz not null
);

-- A row is how one comparison of the view reconciliation stood at a run.
create table store.reconciliations (
    check_name varchar not null,
    agrees boolean not null,
    recorded_at timestamptz not null
);
