-- Events of feeds. A row of store.feeds is one version of the definition of a feed; the digest is null from when its file is gone.
create table store.feeds (
    feed varchar not null,
    feed_version integer not null,
    title varchar not null,
    description varchar not null,
    source varchar not null,
    licence varchar not null,
    attribution varchar not null,
    digest varchar,
    recorded_at timestamptz not null
);

-- A row is what one export of a feed had for one event. change: new, changed, confirmed (the same content with a later updated_at),
-- conflict (other content with the same updated_at), older (an export older than the recorded state) or withdrawn.
-- The current row of an event is the one with the latest updated_at and, among those, the highest precedence.
create table store.events (
    feed varchar not null,
    event_id varchar not null,
    kind varchar not null,
    occurred_on date not null,
    mission varchar not null,
    attributes map(varchar, varchar) not null,
    state varchar not null,
    updated_at timestamptz not null,
    precedence integer not null,
    change varchar not null,
    batch_id integer not null,
    recorded_at timestamptz not null
);

-- A row is what one load of an export found. event_rows and digest are those of its rows in store.events.
create table store.event_batches (
    batch_id integer not null,
    feed varchar not null,
    feed_version integer not null,
    exported_at timestamptz,
    new_events bigint not null,
    changed_events bigint not null,
    unchanged_events bigint not null,
    older_events bigint not null,
    withdrawn_events bigint not null,
    duplicate_rows bigint not null,
    unreadable_rows bigint not null,
    left_out_rows bigint not null,
    notes varchar[] not null,
    event_rows bigint not null,
    digest ubigint not null,
    hash_check ubigint not null
);

-- A row is a fault of one row of an export that was loaded: duplicate, conflict or unreadable.
create table store.event_faults (
    batch_id integer not null,
    file_row bigint not null,
    fault varchar not null,
    event_id varchar,
    column_name varchar,
    written varchar,
    problem varchar not null,
    recorded_at timestamptz not null
);
