-- Record how a run ended.
insert into store.job_runs (run_id, job, due, started, ended, status, row_count, error, recorded_at)
select run_id, job, due, started, $ended::timestamptz, $status, $row_count::bigint, $error, $ended::timestamptz
from store.job_runs
where run_id = $run_id
limit 1
