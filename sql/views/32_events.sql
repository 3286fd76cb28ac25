-- Events of feeds: every revision, the current ones, and those known at a time.

-- The order of the rows of one event as one integer: later updated_at, then higher precedence. Until the year 2999 it fits.
create or replace macro store.event_order(updated_at, precedence) as epoch_us(updated_at) * 256 + precedence;

-- The current row of each event as known at the time t, withdrawn events included. `loaded` names store.events or some of its rows.
-- A filter on feed or event_id is pushed down to the table.
create or replace macro store.event_states_known_at(loaded, t) as table
select *
from query_table(loaded)
where recorded_at <= t
qualify store.event_order(updated_at, precedence)
    = max(store.event_order(updated_at, precedence)) over (partition by feed, event_id);

create or replace macro events_known_at(t) as table
select feed, event_id, kind, occurred_on, mission, attributes, state, recorded_at, batch_id
from store.event_states_known_at('store.events', t::timestamptz)
where state <> 'withdrawn';

comment on macro table events_known_at is 'The events as they were known at the time t.';

create or replace view events as
select * from events_known_at(known_at_time());

comment on view events is 'A row is the current revision of an event of a feed. Withdrawn events are only in event_revisions.';

create or replace view event_revisions as
select feed, event_id, kind, occurred_on, mission, attributes, state, recorded_at, batch_id, updated_at, change
from store.events
where change <> 'confirmed';

comment on view event_revisions is 'A row is one revision of an event: its content in one export, as loaded at one time.';

create or replace view store.newest_feeds as
select *
from store.feeds
qualify feed_version = max(feed_version) over (partition by feed);

comment on view store.newest_feeds is 'A row is the newest definition of a feed; the digest is null if its file no longer exists.';

create or replace view feeds as
select feed, title, description, source, licence, attribution
from store.newest_feeds
where digest is not null
order by feed;

comment on view feeds is 'A row is a feed of events: an export of another system, defined by one file in metrics/feeds.';

create or replace view event_loads as
select
    e.batch_id, e.feed, b.file_name, b.loaded_by, b.recorded_at, e.exported_at, b.row_count, e.new_events, e.changed_events,
    e.unchanged_events, e.older_events, e.withdrawn_events, e.duplicate_rows, e.unreadable_rows, e.left_out_rows, e.notes
from store.event_batches as e
join store.batches as b using (batch_id)
where b.recorded_at <= known_at_time();

comment on view event_loads is 'A row is one load of an export of a feed.';

create or replace view event_faults as
select f.batch_id, e.feed, b.file_name, f.file_row, f.fault, f.event_id, f.column_name, f.written, f.problem, f.recorded_at
from store.event_faults as f
join store.event_batches as e using (batch_id)
join store.batches as b using (batch_id)
where f.recorded_at <= known_at_time();

comment on view event_faults is 'A row is a fault of a row of an export that was loaded.';

-- The digest of the events of each batch from a batch on; its row order does not matter.
create or replace macro store.digest_event_batches(first_batch_id) as table
select
    batch_id,
    count(*) as event_rows,
    bit_xor(hash(
        feed, event_id, kind, occurred_on, mission, attributes, state, updated_at, precedence, change, batch_id, recorded_at
    )) as digest
from store.events
where batch_id >= first_batch_id
group by batch_id;

-- The content of an event as text: among rows updated at the same time, the one that sorts last is current.
create or replace macro store.event_content(kind, occurred_on, mission, state, attributes) as
    concat_ws(chr(31), kind, occurred_on::varchar, mission, state, attributes::varchar);

-- Whether an event is among those that a page shows: `chosen` has a value, or null for any, for each filter. Later events than the
-- date of as_of are not shown.
create or replace macro store.is_selected_event(feed, mission, kind, state, occurred_on, chosen) as
    feed = chosen.feed
    and (chosen.mission is null or mission = chosen.mission)
    and (chosen.kind is null or kind = chosen.kind)
    and (chosen.state is null or state = chosen.state)
    and (chosen.first_day is null or occurred_on >= chosen.first_day)
    and (chosen.last_day is null or occurred_on <= chosen.last_day)
    and occurred_on <= as_of_date();
