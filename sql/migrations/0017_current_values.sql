-- A row is a series with its current value as of the date of the newest snapshot, with the names of the series, so that pages and
-- queries read neither the validity of all observations nor join the series. Only copies have rows (docs/decisions/cached-revisions.md).
create table cache.latest (
    series_id integer not null,
    indicator varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    period_start date not null,
    period_end date not null,
    value double,
    status varchar not null,
    source varchar,
    page varchar,
    note varchar,
    batch_id integer not null,
    recorded_at timestamptz not null,
    previous_period_end date,
    previous_value double
);
