-- The rules by which events are counted.

-- The field of an event that a counting rule names: kind, state or an attribute.
create or replace macro count_field(kind, state, attributes, field) as
    case field when 'kind' then kind when 'state' then state else attributes[field] end;

-- Whether the fields of an event have the values that a counting rule lists.
create or replace macro has_counted_fields(kind, state, attributes, conditions) as
    coalesce(list_bool_and(list_transform(
        map_entries(conditions),
        lambda entry: coalesce(list_contains(entry.value, count_field(kind, state, attributes, entry.key)), false)
    )), true);

-- Whether a mission existed on some day of a period.
create or replace macro existed_in(status, opened_on, closed_on, interrupted_from, interrupted_until, period_start, period_end) as
    (opened_on is null or opened_on <= period_end)
    and if(closed_on is null, status <> 'closed', closed_on >= period_start)
    and not coalesce(interrupted_from <= period_start and interrupted_until >= period_end, false);
