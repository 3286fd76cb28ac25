-- Record changed_counts as one batch. Runs only if there are some.
create or replace temp table count_batch as
select (select coalesce(max(batch_id), 0) from store.batches) + 1 as batch_id;

insert into store.batches by name
select
    b.batch_id, 'counts of ' || $feed as file_name, sha256('counts of ' || $feed || ' ' || b.batch_id) as sha256,
    $loaded_by as loaded_by, $recorded_at::timestamptz as recorded_at, (select count(*) from counted_cells) as row_count,
    count(*) filter (where not c.is_revision) as new_observations, count(*) filter (where c.is_revision) as revisions,
    greatest((select count(*) from counted_cells) - count(*), 0) as unchanged
from changed_counts as c
cross join count_batch as b
group by b.batch_id;

insert into store.series
with unseen as (
    select distinct indicator, mission, dimensions
    from changed_counts
    anti join store.series using (indicator, mission, dimensions)
)
select
    (select coalesce(max(series_id), 0) from store.series)
    + row_number() over (order by indicator, mission, dimensions::varchar),
    indicator, mission, dimensions
from unseen;

insert into store.observations by name
select
    s.series_id, c.period_start, c.period_end, c.value, c.status,
    f.source || ', until ' || d.covered_until as source, null as page, c.note, b.batch_id, $recorded_at::timestamptz as recorded_at
from changed_counts as c
join store.series as s using (indicator, mission, dimensions)
join store.newest_feeds as f on f.feed = $feed
cross join count_dates as d
cross join count_batch as b
order by s.series_id, c.period_start;

insert into store.batch_digests
select batch_id, observations, digest, store.hash_check()
from store.digest_batches((select batch_id from count_batch));
