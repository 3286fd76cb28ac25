-- The replica of a lake that began a write or a request; empty in a file, which one process has.
alter table audit_begun add column writer text not null default '';
alter table audit_begun add column began_at text not null default '';
alter table idempotency_keys add column writer text not null default '';
