-- A row is a series with its current value. A null value means that the series has ended.
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    concat_ws('|', indicator, mission, dimensions) as key
from latest
where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
    and ($status::varchar[] is null or list_contains($status::varchar[], status))
