-- Users, roles, tokens, sessions and the audit. SQLite; times are UTC as 2026-11-26T08:00:00.000000Z.
create table users (
    name text primary key collate nocase,
    password_hash text,
    origin text not null check (origin in ('local', 'openid', 'proxy')),
    created_at text not null,
    created_by text not null,
    disabled_at text
) strict;

-- An empty mission means all missions.
create table grants (
    user text not null collate nocase references users (name),
    role text not null,
    mission text not null default '',
    primary key (user, role, mission)
) strict;

-- A token of a user has the roles of the user; a token of a service has one role of its own.
create table tokens (
    id integer primary key,
    hash text not null unique,
    user text collate nocase references users (name),
    service text,
    role text,
    missions text not null default '[]',
    created_at text not null,
    created_by text not null,
    expires_at text,
    revoked_at text,
    last_used_at text,
    last_used_from text,
    check ((user is null) <> (service is null)),
    check ((service is null) = (role is null))
) strict;

create table sessions (
    hash text primary key,
    user text not null collate nocase references users (name),
    signed_in_by text not null,
    address text not null,
    user_agent text not null,
    created_at text not null,
    seen_at text not null,
    expires_at text not null
) strict;
create index sessions_by_user on sessions (user);

-- Links that work once: for the first administrator, and to choose a password.
create table links (
    hash text primary key,
    user text collate nocase,
    purpose text not null check (purpose in ('first_administrator', 'password')),
    created_at text not null,
    expires_at text not null,
    used_at text
) strict;

-- Attempts to sign in, for the delay after failures; rows older than a day are deleted, successes after 30 days.
create table attempts (
    account text not null collate nocase,
    address text not null,
    at text not null,
    succeeded integer not null check (succeeded in (0, 1))
) strict;
create index attempts_by_account on attempts (account, at);
create index attempts_by_address on attempts (address, at);

-- A write that has begun; it becomes a row of the audit when it ends, or at the next start.
create table audit_begun (
    id integer primary key,
    entry text not null
) strict;

-- Each hash covers the row and the hash before it.
create table audit (
    id integer primary key,
    at text not null,
    actor text not null,
    roles text not null,
    signed_in_by text not null,
    address text not null,
    action text not null,
    target text not null,
    before text,
    after text,
    reason text,
    result text not null check (result in ('done', 'refused', 'failed', 'interrupted')),
    detail text,
    request_id text not null,
    previous_hash text not null,
    hash text not null
) strict;
create index audit_by_time on audit (at);
create trigger audit_rows_do_not_change before update on audit
begin
    select raise(abort, 'rows of the audit do not change');
end;

create table saved_queries (
    id integer primary key,
    owner text not null collate nocase,
    name text not null,
    text text not null,
    is_shared integer not null check (is_shared in (0, 1)),
    created_at text not null,
    changed_at text not null,
    unique (owner, name)
) strict;

-- Answers to requests with an Idempotency-Key, for a day.
create table idempotency_keys (
    actor text not null,
    key text not null,
    request_hash text not null,
    at text not null,
    status integer,
    media_type text,
    body text,
    primary key (actor, key)
) strict;

-- The key of cookies, and the hash before the oldest row of the audit.
create table settings (
    name text primary key,
    value text not null
) strict;
