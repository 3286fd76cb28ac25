-- A row has an unknown mission. A location suggests its missions, closed ones only if no other mission is there.
with unknown as (
    select distinct mission as written
    from staged_series
    anti join missions using (mission)
),
located as (
    select
        u.written,
        coalesce(
            string_agg(m.mission, ' or ' order by m.mission) filter (where m.status <> 'closed'),
            string_agg(m.mission, ' or ' order by m.mission)
        ) as suggested
    from unknown as u
    join missions as m on lower(m.location) = lower(u.written) or lower(m.name) = lower(u.written)
    group by all
)
select
    s.file_ordinal, s.file_row, 'mission' as column_name, s.mission as value,
    'is not a known mission' as problem,
    'did you mean ' || l.suggested || '?' as fix,
    s.mission as unknown_name, 'mission' as unknown_kind
from staged as s
join unknown as u on u.written = s.mission
left join located as l using (written)
