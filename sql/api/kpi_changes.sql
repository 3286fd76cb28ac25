-- A row is a KPI value with the previous value, both over the same missions.
select *, concat_ws('|', kpi, mission, dimensions, as_of) as key
from kpi_changes
where ($kpi::varchar[] is null or list_contains($kpi::varchar[], kpi))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
    and ($from::date is null or as_of >= $from::date)
    and ($to::date is null or as_of <= $to::date)
