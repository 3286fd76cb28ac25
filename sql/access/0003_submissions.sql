-- Submissions of missions for a round, with their files, their states, and exceptions to the lock of a round. None of this is in
-- the warehouse: everyone with SQL can read the warehouse, and only published values may be seen there.
create table submissions (
    submission_id integer primary key,
    cycle integer not null,
    mission text not null,
    file_name text not null,
    sha256 text not null,
    content blob not null,
    -- The cells of the file as JSON: [[indicator, {dimension: value}, period_start, period_end], ...].
    cells text not null,
    created_by text not null collate nocase,
    created_at text not null
) strict;
create index submissions_by_round on submissions (cycle, mission);

-- The newest row of a submission is its state. `digest` is the digest of the preview that the decision is about.
create table submission_events (
    event_id integer primary key,
    submission_id integer not null references submissions (submission_id),
    state text not null check (state in ('draft', 'submitted', 'validated', 'approved', 'published', 'returned', 'withdrawn')),
    by text not null collate nocase,
    at text not null,
    reason text,
    digest text
) strict;
create index events_by_submission on submission_events (submission_id, event_id);

create trigger submission_events_are_not_changed before update on submission_events
begin
    select raise(abort, 'events of submissions are never changed');
end;
create trigger submission_events_are_not_deleted before delete on submission_events
begin
    select raise(abort, 'events of submissions are never deleted');
end;

-- A mission may submit until the end of this day although the round is closed. The newest row of a round and mission is valid.
create table lock_exceptions (
    exception_id integer primary key,
    cycle integer not null,
    mission text not null,
    until text not null,
    reason text not null,
    by text not null,
    at text not null
) strict;
