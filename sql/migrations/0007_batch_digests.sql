-- A row is the digest of the observations of one batch, by which `a4p verify` finds a value that changed on disk.
-- hash_check is the digest of constants: where DuckDB's hash function differs from it, digests cannot be compared.
create table store.batch_digests (
    batch_id integer not null,
    observations bigint not null,
    digest ubigint not null,
    hash_check ubigint not null
);

insert into store.batch_digests
select
    batch_id, count(*),
    bit_xor(hash(series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at)),
    hash(1::integer, date '2000-01-01', 1.5::double, 'A', null::varchar, timestamptz '2000-01-01 00:00:00+00')
from store.observations
group by batch_id;
