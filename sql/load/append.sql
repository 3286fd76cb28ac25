-- Append the staged rows that are new or changed, with a batch for each file.
create or replace temp table appended_batches as
with judged as (
    select
        s.file_ordinal,
        r.series_id is null as is_new,
        r.series_id is not null and not r.is_unchanged as is_revision,
        coalesce(r.is_removal, false) as is_removal
    from staged_observations as s
    left join recorded_cells as r using (series_id, period_start, period_end)
),
counted as (
    select
        f.file_ordinal, f.file_name, f.sha256, f.notes,
        count(j.file_ordinal) as row_count,
        count(*) filter (where j.is_new) as new_observations,
        count(*) filter (where j.is_revision) as revisions,
        count(*) filter (where j.is_removal) as removals
    from staged_files as f
    left join judged as j using (file_ordinal)
    group by all
)
select
    (select coalesce(max(batch_id), 0) from store.batches) + row_number() over (order by file_ordinal) as batch_id,
    *
from counted;

insert into store.batches
select
    batch_id, file_name, sha256, $loaded_by, $recorded_at::timestamptz, row_count, new_observations, revisions,
    row_count - new_observations - revisions
from appended_batches;

insert into store.observations
select
    s.series_id, s.period_start, s.period_end, s.value, s.status, s.source, s.page, s.note, b.batch_id, $recorded_at::timestamptz
from staged_observations as s
join appended_batches as b using (file_ordinal)
left join recorded_cells as r using (series_id, period_start, period_end)
where r.series_id is null or not r.is_unchanged;

insert into store.batch_digests
select batch_id, observations, digest, store.hash_check()
from store.digest_batches((select min(batch_id) from appended_batches));
