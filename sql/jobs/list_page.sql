-- A row is a run of a job in its current state, newest first. Only runs with a run_id below $before.
select run_id, job, due, started, epoch(ended - started) as seconds, status, row_count, error
from job_runs
where ($before::integer is null or run_id < $before::integer)
    and ($job::varchar is null or job = $job::varchar)
    and (not $only_failed or status not in ('succeeded', 'running'))
order by run_id desc
limit $max_rows
