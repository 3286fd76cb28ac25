-- A row is a possible cause of the end of the alert on overdue reports of $mission for $cycle, which fired from $starts_at to
-- $ends_at: a load, the deadline of the next cycle, or the closing of the mission. `clears`: whether it alone ends the alert.
with periods as (
    select *
    from store.reporting_periods
    where cycle = $cycle
),
loaded as (
    select
        'reports loaded' as cause,
        count(distinct s.indicator) || if(count(distinct s.indicator) = 1, ' indicator', ' indicators') || ', batch ' || b.batch_id
            || ', ' || b.file_name || ', by ' || b.loaded_by as detail,
        b.recorded_at,
        not exists (from report_states where mission = $mission and cycle = $cycle and is_overdue) as clears
    from store.observations as o
    join store.series as s using (series_id)
    join periods as p using (period_start, period_end)
    join batches as b using (batch_id)
    where s.mission = $mission
    group by b.batch_id, b.file_name, b.loaded_by, b.recorded_at
),
due as (
    select
        'next deadline' as cause, 'the reports of cycle ' || cycle || ' were due by ' || max(due_on) as detail,
        (max(due_on) + 1)::timestamp at time zone 'UTC' as recorded_at, true as clears
    from expected_reports
    where cycle = $cycle + 1
    group by cycle
),
closed as (
    select
        'mission closed' as cause, describe_closure(c.mission, c.closed_on) as detail, c.recorded_at,
        not is_open_on('closed', null, c.closed_on, (select max(period_end) from periods)) as clears
    from store.mission_closures as c
    where c.mission = $mission
),
happened as (
    select * from loaded
    union all
    select * from due
    union all
    select * from closed
)
select cause, detail, strftime(happened.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at, clears
from happened
where happened.recorded_at > $starts_at::timestamptz and happened.recorded_at <= $ends_at::timestamptz
order by happened.recorded_at, cause
