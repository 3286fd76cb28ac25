-- What the catalogue says of an indicator for the warnings of a load; null in versions stored before.
alter table store.indicators add column cumulative boolean;
alter table store.indicators add column rare_event boolean;

-- A row is a warning about one cell that a load recorded, by the rule of the file of that name in sql/checks/warnings.
create table store.load_warnings (
    batch_id integer not null,
    file_row bigint not null,
    series_id integer not null,
    period_start date not null,
    period_end date not null,
    rule varchar not null,
    message varchar not null,
    recorded_at timestamptz not null
);
