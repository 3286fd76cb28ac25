-- Tables computed from the base tables, so that their cost is that of a change and not that of everything. They are not append-only,
-- and hold nothing of their own: they may be emptied at any time (docs/decisions/cached-revisions.md).
create schema cache;

-- A row is the current revision of an observation, with the dates on which it is valid; holds_from is null if it never is.
create table cache.revisions (
    series_id integer not null,
    period_start date not null,
    period_end date not null,
    value double,
    status varchar not null,
    source varchar,
    page varchar,
    note varchar,
    batch_id integer not null,
    recorded_at timestamptz not null,
    holds_from date,
    holds_until date,
    previous_period_end date,
    previous_value double
);

-- A row is the report of a mission on an indicator for a period, over all dimensions.
create table cache.reports (
    indicator varchar not null,
    mission varchar not null,
    period_start date not null,
    period_end date not null,
    state varchar not null,
    is_not_applicable boolean not null,
    batch_id integer not null
);

-- The one row describes what the tables were computed from. Without a row they are not used.
create table cache.states (
    batch_id integer not null,
    digest varchar not null
);
