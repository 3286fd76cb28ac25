-- The one row names the lake snapshot that the base tables of this replica are complete up to.
create schema if not exists replica;

create table if not exists replica.states (snapshot_id bigint not null);
