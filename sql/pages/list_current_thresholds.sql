-- A row is a current threshold of one part of the table, with the number of series that breach it.
with shown as materialized (
    select *, count(*) over () as row_count
    from store.thresholds_in_force
    order by metric, mission, dimensions::varchar, comparison, severity
    limit $max_rows offset $skipped
),
breaches as (
    select metric, threshold_mission as mission, threshold_dimensions as dimensions, comparison, severity, count(*) as breaches
    from threshold_breaches
    group by all
)
select
    s.metric, s.mission, s.dimensions, s.comparison, s.severity, s.limit_value, coalesce(b.breaches, 0) as breaches, s.note, s.set_by,
    strftime(s.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M') as set_at, s.row_count
from shown as s
left join breaches as b using (metric, mission, dimensions, comparison, severity)
order by s.metric, s.mission, s.dimensions::varchar, s.comparison, s.severity
