-- Record that runs still marked as running were interrupted. No job runs at this time.
insert into store.job_runs (run_id, job, due, started, ended, status, row_count, error, recorded_at)
select run_id, job, due, started, null, 'interrupted', null, 'the service stopped during the run', $now::timestamptz
from job_runs
where status = 'running'
