-- The dimensions of a row are unreadable, or are not those of its indicator.
with judged as (
    select
        n.indicator, n.mission, n.written_dimensions, d.dimensions as known,
        list_filter(map_keys(n.dimensions), lambda name: not list_contains(map_keys(d.dimensions), name)) as unknown_names,
        list_filter(map_keys(d.dimensions), lambda name: coalesce(n.dimensions[name], '') = '') as absent_names,
        list_filter(
            map_entries(n.dimensions),
            lambda entry: not coalesce(list_contains(d.dimensions[entry.key], entry.value), true)
        ) as unknown_values
    from staged_series as n
    join store.current_indicators as d using (indicator)
),
wrong as (
    select
        *,
        case
            when len(unknown_names) > 0 then 'names the dimension ' || unknown_names[1] || ', which ' || indicator || ' does not have'
            when len(absent_names) > 0 then 'lacks the dimension ' || absent_names[1]
            else 'has an unknown value of the dimension ' || unknown_values[1].key
        end as problem,
        case
            when len(unknown_names) > 0 and cardinality(known) = 0 then 'leave the column empty'
            when len(unknown_names) = 0 and len(absent_names) > 0 then 'write ' || absent_names[1] || '= and one of ' || array_to_string(known[absent_names[1]], ', ')
        end as fix,
        case
            when len(unknown_names) > 0 then unknown_names[1]
            when len(absent_names) = 0 then unknown_values[1].value
        end as unknown_name,
        case
            when len(unknown_names) > 0 then 'dimension'
            when len(absent_names) = 0 then 'value'
        end as unknown_kind,
        if(unknown_kind = 'value', unknown_values[1].key, null) as dimension
    from judged
    where len(unknown_names) > 0 or len(absent_names) > 0 or len(unknown_values) > 0
)
select
    s.file_ordinal, s.file_row, 'dimensions' as column_name,
    array_to_string(list_transform(map_entries(s.dimensions), lambda entry: entry.key || '=' || coalesce(entry.value, '')), ';') as value,
    w.problem, w.fix, w.unknown_name, w.unknown_kind, w.indicator, w.dimension
from staged as s
join wrong as w on w.indicator = s.indicator and w.mission = s.mission and w.written_dimensions = s.dimensions
union all by name
select
    file_ordinal, file_row, 'dimensions' as column_name, dimensions_text as value, 'cannot be read' as problem,
    'write name=value, with ; between several, each name once' as fix
from staged
where dimensions_text is not null
