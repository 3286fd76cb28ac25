-- A row is a KPI.
select *, kpi as key
from kpis
where ($kpi::varchar[] is null or list_contains($kpi::varchar[], kpi))
    and ($priority::varchar[] is null or list_contains($priority::varchar[], priority))
