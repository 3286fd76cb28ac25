-- A row of unreadable_cells is a cell of the export that cannot be read. field is the field of the event, or = and the
-- column of an attribute.
create or replace temp table unreadable_cells as
with faulty as (
    select *
    from staged_events
    where left_out is null and (
        event_id is null or kind is null or occurred_on is null or mission is null or state is null or updated_at is null
        or occurred_on not between date '1900-01-01' and date '2999-12-31' or occurred_on > (updated_at at time zone 'UTC')::date + 1
        or updated_at not between timestamptz '1900-01-01' and timestamptz '2999-12-31'
        or unknown_attribute is not null or is_long or has_control_character
    )
)
select file_row, event_id, 'event_id' as field, event_id as written, 'is missing' as problem
from faulty
where event_id is null
union all
select file_row, event_id, 'kind', kind_text, if(kind_text is null, 'is missing', 'is not a known value')
from faulty
where kind is null
union all
select file_row, event_id, 'state', state_text, if(state_text is null, 'is missing', 'is not a known value')
from faulty
where state is null
union all
select file_row, event_id, 'mission', mission_text, if(mission_text is null, 'is missing', 'is not a known mission')
from faulty
where mission is null
union all
select file_row, event_id, 'occurred_on', occurred_on_text, if(occurred_on_text is null, 'is missing', 'is not a date from 1900 to 2999')
from faulty
where occurred_on is null or occurred_on not between date '1900-01-01' and date '2999-12-31'
union all
select file_row, event_id, 'updated_at', updated_at_text, if(updated_at_text is null, 'is missing', 'is not a time from 1900 to 2999')
from faulty
where updated_at is null or updated_at not between timestamptz '1900-01-01' and timestamptz '2999-12-31'
union all
-- The zone of the source may be a day ahead.
select file_row, event_id, 'occurred_on', occurred_on_text, 'is after the last update, ' || updated_at_text
from faulty
where occurred_on > (updated_at at time zone 'UTC')::date + 1 and occurred_on <= date '2999-12-31'
union all
select file_row, event_id, '=' || unknown_attribute.column, unknown_attribute.text, 'is not a known value'
from faulty
where unknown_attribute is not null
union all
select file_row, event_id, 'event_id', left(event_id, 80), if(is_long, 'the texts of the row are too long', 'a text of the row has a control character')
from faulty
where is_long or has_control_character
