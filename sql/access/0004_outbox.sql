-- The address to which messages about rounds are sent.
alter table users add column email text;

-- Messages to send by mail, appended in the transaction of the change that they are about. A message with a time in
-- next_attempt_at is waiting; one with neither this nor sent_at was given up.
create table outbox (
    message_id integer primary key,
    recipient text not null,
    subject text not null,
    text text not null,
    -- The path of the page that the message is about.
    path text not null,
    created_at text not null,
    attempts integer not null default 0,
    next_attempt_at text,
    sent_at text,
    error text
) strict;
create index outbox_by_next_attempt on outbox (next_attempt_at) where next_attempt_at is not null;

-- Reminders of a mission for a deadline of a round, so that each deadline has one at once and then one a week.
create table reminders (
    cycle integer not null,
    mission text not null,
    due_on text not null,
    at text not null,
    primary key (cycle, mission, due_on, at)
) strict;
