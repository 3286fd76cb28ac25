-- A row is the state of a silence from recorded_at: set, delivered to Alertmanager, or ended. The newest row of silence_id is current.
create table store.silences (
    silence_id varchar not null,
    alert varchar,
    metric varchar,
    mission varchar not null,
    severity varchar,
    dimensions map(varchar, varchar) not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    note varchar,
    set_by varchar not null,
    ended_by varchar,
    alertmanager_id varchar,
    is_delivered boolean not null,
    recorded_at timestamptz not null
);
