-- The operations of the service: loads, runs of jobs, snapshots.
create or replace view batches as
select batch_id, file_name, sha256, loaded_by, recorded_at, row_count, new_observations, revisions, unchanged
from store.batches;

comment on view batches is 'A row is one load of one file.';

create or replace view load_warnings as
select
    w.batch_id, b.file_name, w.file_row, s.indicator, s.mission, s.dimensions, w.period_start, w.period_end, w.rule, w.message,
    w.recorded_at,
    (w.series_id, w.period_start, w.period_end) not in (
        select (o.series_id, o.period_start, o.period_end)
        from store.observations as o
        join store.load_warnings as n using (series_id, period_start, period_end)
        where o.batch_id > n.batch_id and o.recorded_at <= known_at_time()
    ) as is_current
from store.load_warnings as w
join store.batches as b using (batch_id)
join store.series as s using (series_id)
where w.recorded_at <= known_at_time();

comment on view load_warnings is 'A row is a warning about an implausible value that a load recorded.';

create or replace view job_runs as
select run_id, job, due, started, ended, status, row_count, error
from store.job_runs
-- The end of a run has precedence over its start, even with equal times.
qualify row_number() over (partition by run_id order by status = 'running', recorded_at desc) = 1;

comment on view job_runs is 'A row is one run of a scheduled job.';

create or replace view snapshot_info as
select snapshot_id, as_of, made_at, batch_id, series_count
from store.snapshots
qualify row_number() over (order by snapshot_id desc) = 1;

comment on view snapshot_info is 'The one row is the newest snapshot.';
