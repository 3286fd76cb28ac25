-- A row is a job: when its newest run was due, and how the newest that started stands.
select job, max(due) as last_due, arg_max(status, run_id) filter (where status <> 'missed') as status
from job_runs
group by job
