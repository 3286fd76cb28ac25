-- A row is a change of a threshold: set or removed.
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    concat_ws('|', metric, mission, dimensions, comparison, severity, write_rfc3339(recorded_at)) as key
from threshold_history
where recorded_at <= known_at_time()
    and ($metric::varchar[] is null or list_contains($metric::varchar[], metric))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
