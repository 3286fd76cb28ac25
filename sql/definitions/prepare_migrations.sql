-- A row of store.migrations is one migration that was applied to this warehouse.
create schema if not exists store;

create table if not exists store.migrations (
    version integer not null,
    name varchar not null,
    applied_at timestamptz not null
);
