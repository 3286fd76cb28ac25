-- What the service did: loads, runs of jobs, snapshots.
create or replace view batches as
select batch_id, file_name, sha256, loaded_by, recorded_at, row_count, new_observations, revisions, unchanged
from store.batches;

comment on view batches is 'A row is one load of one file.';
comment on column batches.batch_id is 'Number of the batch.';
comment on column batches.file_name is 'Name of the file.';
comment on column batches.sha256 is 'SHA-256 of the file.';
comment on column batches.loaded_by is 'Who loaded it.';
comment on column batches.recorded_at is 'When, UTC.';
comment on column batches.row_count is 'Rows in the file.';
comment on column batches.new_observations is 'Rows for a series and period not seen before.';
comment on column batches.revisions is 'Rows that changed what was recorded.';
comment on column batches.unchanged is 'Rows that said what was already recorded.';

create or replace view job_runs as
select run_id, job, due, started, ended, status, row_count, error
from store.job_runs
-- How a run ended goes before that it began, even when the clock stood.
qualify row_number() over (partition by run_id order by status = 'running', recorded_at desc) = 1;

comment on view job_runs is 'A row is one run of a scheduled job.';
comment on column job_runs.run_id is 'Number of the run.';
comment on column job_runs.job is 'Name of the job.';
comment on column job_runs.due is 'When it was due, UTC.';
comment on column job_runs.started is 'When it started, UTC; null for a missed run.';
comment on column job_runs.ended is 'When it ended, UTC.';
comment on column job_runs.status is 'running, succeeded, failed, missed, or interrupted where the service stopped under it.';
comment on column job_runs.row_count is 'Rows the run produced.';
comment on column job_runs.error is 'Why it failed.';

create or replace view snapshot_info as
select snapshot_id, as_of, made_at, batch_id, series_count
from store.snapshots
qualify row_number() over (order by snapshot_id desc) = 1;

comment on view snapshot_info is 'The one row is the newest snapshot.';
comment on column snapshot_info.snapshot_id is 'Number of the snapshot.';
comment on column snapshot_info.as_of is 'Date it is as of: the last day that had ended, UTC.';
comment on column snapshot_info.made_at is 'When it was made, UTC.';
comment on column snapshot_info.batch_id is 'The newest batch in it; 0 when there was none.';
comment on column snapshot_info.series_count is 'How many series it exposes.';
