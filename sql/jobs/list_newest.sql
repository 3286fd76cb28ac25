-- A row is a job: when its newest run was due, and the status of the newest run that started.
select job, max(due) as last_due, arg_max(status, run_id) filter (where status <> 'missed') as status
from job_runs
group by job
