-- A row is a KPI total and the one of an earlier date, both computed over the missions that the two have in common; null where the
-- value cannot be computed over them. Only totals that cover different missions have a row.
create table store.kpi_changes (
    kpi varchar not null,
    mission varchar not null,
    dimensions map(varchar, varchar) not null,
    as_of date not null,
    previous_as_of date not null,
    missions varchar[] not null,
    value double,
    previous_value double,
    computed_at timestamptz not null
);
