-- A row is a table with rows recorded in the future, because the clock was wrong.
with times as (
    select 'batches' as name, recorded_at from store.batches
    union all
    select 'thresholds', recorded_at from store.thresholds
    union all
    select 'kpi_values', computed_at from store.kpi_values
    union all
    select 'snapshots', made_at from store.snapshots
    union all
    select 'alerts', recorded_at from store.alerts
    union all
    select 'silences', recorded_at from store.silences
    union all
    select 'job_runs', recorded_at from store.job_runs
)
select name, count(*) as rows, min(recorded_at) as first_at, max(recorded_at) as last_at
from times
where recorded_at > $now::timestamptz + interval 5 minutes
group by name
order by name
