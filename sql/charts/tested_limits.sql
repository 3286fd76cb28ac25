-- A row is a series of a metric that a back-tested threshold would govern, with its limit.
with shown as (
    select distinct i.metric, o.mission, o.dimensions
    from observations as o
    join indicators as i using (indicator)
    where i.metric = $metric
    union
    select distinct k.metric, v.mission, v.dimensions
    from kpi_values as v
    join kpis as k using (kpi)
    where k.metric = $metric
),
tested as (
    select *
    from thresholds
    where metric = $metric
        and comparison = $comparison
        and severity = $severity
        and (mission <> $mission or dimensions <> $dimensions::map(varchar, varchar))
    union all by name
    select
        $metric as metric, $mission as mission, $dimensions::map(varchar, varchar) as dimensions, $comparison as comparison,
        $severity as severity, $limit_value::double as limit_value, null::varchar as note, 'tested' as set_by,
        'infinity'::timestamptz as recorded_at
)
select name_series(mission, dimensions) as series, comparison, limit_value as value
from governing_thresholds(tested, shown)
where set_by = 'tested'
order by all
