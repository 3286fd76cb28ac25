-- Store the bench observations, so many in each batch, a batch a second.
insert into store.observations
with numbered as (
    select *, (1 + rowid * $batches // $observations)::integer as batch_id
    from bench_observations
)
select *, $made_at::timestamptz + to_seconds(batch_id) as recorded_at
from numbered
