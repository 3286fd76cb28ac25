-- The base tables. All are append-only: no update, delete, key, index, sequence or trigger (docs/decisions/append-only.md).
-- A row is one version of the catalogue that the service has run with.
create table store.catalogues (
    catalogue_version integer not null,
    digest varchar not null,
    recorded_at timestamptz not null
);

create table store.priorities (
    catalogue_version integer not null,
    ordinal integer not null,
    priority varchar not null,
    title varchar not null,
    number integer,
    cross_cutting boolean not null
);

create table store.missions (
    catalogue_version integer not null,
    ordinal integer not null,
    mission varchar not null,
    name varchar not null,
    location varchar not null,
    has_political_mandate boolean,
    host_agreement varchar,
    status varchar not null
);

create table store.cycles (
    catalogue_version integer not null,
    ordinal integer not null,
    cycle integer not null,
    period_start date not null,
    period_end date not null
);

create table store.indicators (
    catalogue_version integer not null,
    ordinal integer not null,
    indicator varchar not null,
    title varchar not null,
    description varchar not null,
    priority varchar not null,
    unit varchar not null,
    better varchar not null,
    frequency varchar not null,
    source varchar not null,
    metric varchar not null,
    expected_missions varchar[] not null,
    dimensions map(varchar, varchar[]) not null,
    minimum double,
    maximum double,
    whole boolean not null
);

-- A row is one version of one KPI's definition; a KPI whose file is gone gets a row with a null digest.
create table store.kpis (
    kpi varchar not null,
    title varchar not null,
    description varchar not null,
    unit varchar not null,
    better varchar not null,
    priority varchar not null,
    metric varchar not null,
    inputs varchar[] not null,
    digest varchar,
    recorded_at timestamptz not null
);

-- A row is one load of one file.
create table store.batches (
    batch_id integer not null,
    file_name varchar not null,
    sha256 varchar not null,
    loaded_by varchar not null,
    recorded_at timestamptz not null,
    row_count bigint not null,
    new_observations bigint not null,
    revisions bigint not null,
    unchanged bigint not null
);

-- A row is one indicator x mission x dimensions.
create table store.series (
    series_id integer not null,
    indicator varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null
);

-- A row is one revision of one observation. Within a batch a cell stands once, so batch_id orders the revisions of a cell.
create table store.observations (
    series_id integer not null,
    period_start date not null,
    period_end date not null,
    value double,
    status varchar not null,
    source varchar not null,
    page varchar,
    note varchar,
    batch_id integer not null,
    recorded_at timestamptz not null
);

-- A row is one KPI figure as of a date, as computed at one time; a null value ends what an earlier row said.
create table store.kpi_values (
    kpi varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    as_of date not null,
    value double,
    computed_at timestamptz not null
);

-- A row says up to which batch the history of a KPI, as defined by the file of this digest, is computed.
create table store.kpi_histories (
    kpi varchar not null,
    digest varchar not null,
    batch_id integer not null,
    computed_at timestamptz not null
);

create table store.snapshots (
    snapshot_id integer not null,
    as_of date not null,
    made_at timestamptz not null,
    batch_id integer not null,
    series_count bigint not null
);

-- A row is the start or the end of a run; the newest row of a run_id says how it stands.
create table store.job_runs (
    run_id integer not null,
    job varchar not null,
    due timestamptz not null,
    started timestamptz,
    ended timestamptz,
    status varchar not null,
    row_count bigint,
    error varchar,
    recorded_at timestamptz not null
);

-- A row sets or removes (limit_value null) one threshold.
create table store.thresholds (
    metric varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    comparison varchar not null,
    severity varchar not null,
    limit_value double,
    note varchar,
    set_by varchar not null,
    recorded_at timestamptz not null
);
