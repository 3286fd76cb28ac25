-- Digests of the observations of a batch. A load stores them and `a4p verify` compares them.

-- The digest of constants, which shows whether DuckDB's hash function is the same as for the stored digests.
create or replace macro store.hash_check() as
    hash(1::integer, date '2000-01-01', 1.5::double, 'A', null::varchar, timestamptz '2000-01-01 00:00:00+00');

-- The digest of each batch from a batch on; its row order does not matter.
create or replace macro store.digest_batches(first_batch_id) as table
select
    batch_id,
    count(*) as observations,
    bit_xor(hash(series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at)) as digest
from store.observations
where batch_id >= first_batch_id
group by batch_id;
