-- A row is the current value of a KPI.
select * replace (write_rfc3339(computed_at) as computed_at), concat_ws('|', kpi, mission, dimensions) as key
from kpi_latest
where ($kpi::varchar[] is null or list_contains($kpi::varchar[], kpi))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
