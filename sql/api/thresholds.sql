-- A row is a current threshold.
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    concat_ws('|', metric, mission, dimensions, comparison, severity) as key
from thresholds
where ($metric::varchar[] is null or list_contains($metric::varchar[], metric))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
