-- A row is an indicator of the catalogue.
select *, indicator as key
from indicators
where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
    and ($priority::varchar[] is null or list_contains($priority::varchar[], priority))
