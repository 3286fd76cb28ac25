-- A row is a change of one field in the export and how many events have it. The days of events are only counted.
with changed as (
    select s.kind, s.state, s.mission, s.occurred_on, s.attributes, c.previous
    from event_changes as c
    join staged_content as s using (file_row)
    where c.change = 'changed'
),
fields as (
    select 'kind' as field, previous.kind as before, kind as after
    from changed
    union all
    select 'state', previous.state, state
    from changed
    union all
    select 'mission', previous.mission, mission
    from changed
    union all
    select 'occurred_on', null, null
    from changed
    where previous.occurred_on <> occurred_on
    union all
    select key, previous.attributes[key], attributes[key]
    from (
        select *, unnest(list_distinct(map_keys(attributes) || map_keys(previous.attributes))) as key
        from changed
    )
),
counted as (
    select field, before, after, count(*) as events
    from fields
    where before is distinct from after or field = 'occurred_on'
    group by all
)
select field, before, after, events
from counted
order by list_position(['kind', 'state', 'mission', 'occurred_on'], field) nulls last, events desc, field, before, after
limit $limit
