-- Record the start of a run and return its number.
insert into store.job_runs (run_id, job, due, started, ended, status, row_count, error, recorded_at)
select coalesce(max(run_id), 0) + 1, $job, $due::timestamptz, $started::timestamptz, null, 'running', null, null, $started::timestamptz
from store.job_runs;

select max(run_id) from store.job_runs
