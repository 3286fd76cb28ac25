-- A row is a run of a job in its current state, newest first.
select
    * replace (write_rfc3339(due) as due, write_rfc3339(started) as started, write_rfc3339(ended) as ended),
    format('{:010d}', 9999999999 - run_id) as key
from job_runs
where ($job::varchar[] is null or list_contains($job::varchar[], job))
    and ($status::varchar[] is null or list_contains($status::varchar[], status))
