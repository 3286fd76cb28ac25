-- What the service did: loads, runs of jobs, snapshots.
create or replace view batches as
select batch_id, file_name, sha256, loaded_by, recorded_at, row_count, new_observations, revisions, unchanged
from store.batches;

comment on view batches is 'A row is one load of one file.';
comment on column batches.batch_id is 'Number of the batch.';
comment on column batches.file_name is 'Name of the file.';
comment on column batches.sha256 is 'SHA-256 of the file.';
comment on column batches.loaded_by is 'Who loaded it.';
comment on column batches.recorded_at is 'When, UTC.';
comment on column batches.row_count is 'Rows in the file.';
comment on column batches.new_observations is 'Rows for a series and period not seen before.';
comment on column batches.revisions is 'Rows that changed what was recorded.';
comment on column batches.unchanged is 'Rows that said what was already recorded.';

create or replace view load_warnings as
select
    w.batch_id, b.file_name, w.file_row, s.indicator, s.mission, s.dimensions, w.period_start, w.period_end, w.rule, w.message,
    w.recorded_at,
    (w.series_id, w.period_start, w.period_end) not in (
        select (o.series_id, o.period_start, o.period_end)
        from store.observations as o
        join store.load_warnings as n using (series_id, period_start, period_end)
        where o.batch_id > n.batch_id and o.recorded_at <= known_at_time()
    ) as is_current
from store.load_warnings as w
join store.batches as b using (batch_id)
join store.series as s using (series_id)
where w.recorded_at <= known_at_time();

comment on view load_warnings is 'A row is a warning about a value that a load recorded: it is implausible, and was loaded all the same.';
comment on column load_warnings.batch_id is 'The load that brought the value.';
comment on column load_warnings.file_name is 'Name of its file.';
comment on column load_warnings.file_row is 'Row of the file, the header being row 1.';
comment on column load_warnings.indicator is 'Name of the indicator.';
comment on column load_warnings.mission is 'Mission, or ALL.';
comment on column load_warnings.dimensions is 'Disaggregation: dimension name to value; empty where there is none.';
comment on column load_warnings.period_start is 'First day of the period.';
comment on column load_warnings.period_end is 'Last day of the period, inclusive.';
comment on column load_warnings.rule is 'outlier, rare_event_surge, overlapping_period, cumulative_value_falls or unexpected_mission.';
comment on column load_warnings.message is 'What is implausible.';
comment on column load_warnings.recorded_at is 'When it was recorded, UTC.';
comment on column load_warnings.is_current is 'Whether the value is still the current revision of its cell.';

create or replace view job_runs as
select run_id, job, due, started, ended, status, row_count, error
from store.job_runs
-- How a run ended goes before that it began, even when the clock stood.
qualify row_number() over (partition by run_id order by status = 'running', recorded_at desc) = 1;

comment on view job_runs is 'A row is one run of a scheduled job.';
comment on column job_runs.run_id is 'Number of the run.';
comment on column job_runs.job is 'Name of the job.';
comment on column job_runs.due is 'When it was due, UTC.';
comment on column job_runs.started is 'When it started, UTC; null for a missed run.';
comment on column job_runs.ended is 'When it ended, UTC.';
comment on column job_runs.status is 'running, succeeded, failed, missed, or interrupted where the service stopped under it.';
comment on column job_runs.row_count is 'Rows the run produced.';
comment on column job_runs.error is 'Why it failed.';

create or replace view snapshot_info as
select snapshot_id, as_of, made_at, batch_id, series_count
from store.snapshots
qualify row_number() over (order by snapshot_id desc) = 1;

comment on view snapshot_info is 'The one row is the newest snapshot.';
comment on column snapshot_info.snapshot_id is 'Number of the snapshot.';
comment on column snapshot_info.as_of is 'Date it is as of: the last day that had ended, UTC.';
comment on column snapshot_info.made_at is 'When it was made, UTC.';
comment on column snapshot_info.batch_id is 'The newest batch in it; 0 when there was none.';
comment on column snapshot_info.series_count is 'How many series it exposes.';
