-- A row is an indicator in a period for which a mission reported it, or in a cycle in which it was due.
select *, concat_ws('|', indicator, period) as key
from completeness
where $indicator::varchar[] is null or list_contains($indicator::varchar[], indicator)
