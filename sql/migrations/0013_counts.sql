-- Counts of events: how an indicator is counted, when a mission was interrupted, and what was counted when.
alter table store.indicators add column counted_from struct(
    feed varchar, conditions map(varchar, varchar[]), fields map(varchar, varchar), periods varchar, since date,
    provisional_states varchar[]
);

alter table store.missions add column interrupted_from date;

alter table store.missions add column interrupted_until date;

-- A row is one count of the events of a feed. batch_id is null if no count changed; event_batch_id is that of the newest events.
create table store.count_runs (
    feed varchar not null,
    event_batch_id integer not null,
    catalogue_version integer not null,
    covered_until date not null,
    batch_id integer,
    recorded_at timestamptz not null
);
