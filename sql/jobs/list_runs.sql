-- The newest runs of jobs, newest first; a row is a run.
select
    run_id, job, strftime(due, '%Y-%m-%d %H:%M:%S') as due, strftime(started, '%Y-%m-%d %H:%M:%S') as started,
    epoch(ended - started) as seconds, status, row_count, error
from job_runs
where not $only_failed or status not in ('succeeded', 'running')
order by run_id desc
limit $last
