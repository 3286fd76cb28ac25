-- A row is the last computed KPI value as of a date; with $revisions, every computed value.
with computed as (
    select kpi, mission, dimensions, as_of, value, computed_at, missions, missions_used, missions_expected
    from kpi_values
    where as_of <= as_of_date()
        and computed_at <= known_at_time()
        and ($kpi::varchar[] is null or list_contains($kpi::varchar[], kpi))
        and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
        and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
        and ($from::date is null or as_of >= $from::date)
        and ($to::date is null or as_of <= $to::date)
    qualify $revisions or row_number() over (partition by kpi, mission, dimensions, as_of order by computed_at desc) = 1
)
select
    * replace (write_rfc3339(computed_at) as computed_at),
    concat_ws('|', kpi, mission, dimensions, as_of, write_rfc3339(computed_at)) as key
from computed
