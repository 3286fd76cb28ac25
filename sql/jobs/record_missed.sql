-- Record missed runs.
insert into store.job_runs (run_id, job, due, started, ended, status, row_count, error, recorded_at)
select coalesce(max(run_id), 0) + 1, $job, $due::timestamptz, null, null, 'missed', null, $error, $now::timestamptz
from store.job_runs
