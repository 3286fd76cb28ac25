-- A row is a job: its newest run, when it last succeeded, and the number of runs that did not succeed.
select
    job,
    arg_max(status, run_id) as status,
    max(coalesce(started, due)) as last_started,
    max(ended) filter (where status = 'succeeded') as last_succeeded,
    count(*) as runs,
    count(*) filter (where status not in ('succeeded', 'running')) as not_succeeded
from job_runs
group by job
order by job
