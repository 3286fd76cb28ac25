-- A row is an observation that a KPI was computed from when its alert fired at $fired_at, with the previous value; of the
-- mission of the alert, or of every mission if the alert is about ALL.
with inputs as (
    select p.indicator
    from store.newest_kpis
    join store.kpi_inputs as p using (kpi)
    where metric = $metric
),
followed as (
    select
        o.*,
        lag(o.value) over series as previous_value,
        row_number() over (
            partition by o.indicator, o.mission, o.dimensions order by o.period_end desc, o.period_start desc
        ) as age
    from observations_known_at($fired_at::timestamptz) as o
    join inputs as i using (indicator)
    where (o.mission = $mission or $mission = 'ALL')
        and o.period_end < ($fired_at::timestamptz at time zone 'UTC')::date
    window series as (
        partition by o.indicator, o.mission, o.dimensions order by o.period_end, o.period_start desc
    )
)
select
    f.indicator, f.mission, f.dimensions, f.period_start, f.period_end, f.value, f.status, f.source, f.page, f.note, f.batch_id,
    b.file_name, b.loaded_by, strftime(f.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at, f.previous_value
from followed as f
join batches as b using (batch_id)
where f.age = 1
order by f.indicator, f.mission, f.dimensions::varchar
