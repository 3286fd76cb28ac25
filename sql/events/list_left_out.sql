-- A row is a reason why rows of the export are left out, with their number and the missions that they name.
with named as (
    select left_out as reason, coalesce(mission_text, 'no mission') as name, count(*) as rows
    from staged_events
    where left_out is not null
    group by all
)
select reason, sum(rows)::bigint as rows, list(name || ' ' || rows order by rows desc, name)[:30] as names
from named
group by reason
order by rows desc, reason
