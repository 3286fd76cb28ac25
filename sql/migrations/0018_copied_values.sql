-- Reports with their numbers of observations and values, so that pages count neither; and what pages show of the date of a copy,
-- which only copies have, as cache.latest (docs/decisions/cached-revisions.md).
drop table cache.reports;

-- A row is the report of a mission on an indicator for a period, over all dimensions. recorded_at is that of its newest observation.
create table cache.reports (
    indicator varchar not null,
    mission varchar not null,
    period_start date not null,
    period_end date not null,
    state varchar not null,
    is_not_applicable boolean not null,
    observation_count integer not null,
    value_count integer not null,
    recorded_at timestamptz not null,
    batch_id integer not null
);

-- The cache is made again.
delete from cache.states;

-- A row is the last computed KPI value as of a date.
create table cache.kpi_values (
    kpi varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    as_of date not null,
    value double,
    computed_at timestamptz not null,
    missions varchar[],
    missions_used integer,
    missions_expected integer
);

-- A row is a pair of compared KPI values of one series over the same missions.
create table cache.kpi_comparisons (
    kpi varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    as_of date not null,
    previous_as_of date not null,
    is_value_before boolean not null,
    missions_expected integer,
    missions varchar[],
    is_restricted boolean not null,
    value double not null,
    previous_value double not null,
    change double not null,
    missions_used integer
);

-- A row is the change of a count over all missions that have a value in both periods.
create table cache.total_changes (
    indicator varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    period_start date not null,
    period_end date not null,
    value double,
    previous_period_end date not null,
    previous_value double,
    change double,
    missions_used integer not null,
    missions_expected integer
);

-- A row is one of the largest changes of an indicator and mission.
create table cache.largest_changes (
    indicator varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    value double not null,
    previous_value double not null,
    change double not null,
    period_start date not null,
    period_end date not null,
    tone varchar not null,
    relative_change double not null,
    weight integer not null,
    place integer not null,
    change_count integer not null
);

-- A row is a series that breaches a threshold.
create table cache.breaches (
    metric varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    comparison varchar not null,
    severity varchar not null,
    limit_value double not null,
    value double not null,
    excess double not null,
    period_start date,
    period_end date not null,
    status varchar not null,
    source varchar,
    page varchar,
    batch_id integer,
    unreported_period_end date,
    threshold_mission varchar not null,
    threshold_dimensions map(varchar, varchar) not null,
    note varchar,
    set_by varchar,
    set_at timestamptz not null
);
