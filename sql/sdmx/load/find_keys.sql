-- A row of sdmx_keys is a combination of the coded columns of a file, with its fault or its dimensions as the warehouse has them.
-- service/loading/readers/sdmx_csv.py inserts the columns of the disaggregations, each with the prefix d_, and a list of
-- their names, components and codes.
create or replace temp table sdmx_keys as
with combinations as (
    select distinct is_deletion, "FREQ", "INDICATOR", "UNIT_MEASURE", "UNIT_MULT", {columns}
    from sdmx_rows
),
-- The values of each dimension of an indicator by their codes.
coded as materialized (
    select
        indicator, sdmx_frequency(frequency) as frequency, sdmx_unit(unit) as unit,
        map_from_entries(list_transform(map_entries(dimensions), lambda entry: {{
            'key': entry.key,
            'value': map_from_entries(list_transform(
                entry.value, lambda value: {{'key': sdmx_code(value), 'value': value}}
            ))
        }})) as known
    from store.current_indicators
),
described as (
    select
        c.*, i.indicator is not null as is_known, i.known, i.frequency, i.unit,
        {entries}::struct(dimension varchar, component varchar, code varchar)[] as entries
    from combinations as c
    left join coded as i on i.indicator = c."INDICATOR"
),
-- A code is that of a value, or the value itself.
valued as (
    select
        *,
        list_transform(entries, lambda entry: {{
            'dimension': entry.dimension,
            'component': entry.component,
            'code': entry.code,
            'is_given': coalesce(entry.code, '_Z') <> '_Z',
            'values': known[entry.dimension],
            'value': coalesce(
                known[entry.dimension][entry.code],
                if(list_contains(map_values(known[entry.dimension]), entry.code), entry.code, null)
            )
        }}) as parts
    from described
),
judged as (
    select
        *,
        list_filter(parts, lambda part: part.is_given and part."values" is null)[1] as foreign_part,
        list_filter(parts, lambda part: part.is_given and part."values" is not null and part.value is null)[1] as unknown_part,
        list_filter(parts, lambda part: not part.is_given and part."values" is not null)[1] as absent_part
    from valued
)
select
    * exclude (parts, entries, foreign_part, unknown_part, absent_part),
    map_from_entries(list_sort(list_transform(
        list_filter(parts, lambda part: part.value is not null), lambda part: {{'key': part.dimension, 'value': part.value}}
    ))) as dimensions,
    case
        when not is_known then null
        when "FREQ" <> frequency then {{
            'component': 'FREQ', 'code': "FREQ", 'problem': 'is not the frequency of ' || "INDICATOR", 'fix': 'write ' || frequency
        }}
        when "UNIT_MEASURE" <> unit and not is_deletion then {{
            'component': 'UNIT_MEASURE', 'code': "UNIT_MEASURE",
            'problem': 'is not the unit of ' || "INDICATOR", 'fix': 'convert the value and write ' || unit
        }}
        when "UNIT_MULT" <> '0' and not is_deletion then {{
            'component': 'UNIT_MULT', 'code': "UNIT_MULT", 'problem': 'is not 0', 'fix': 'write the value in units and 0'
        }}
        when foreign_part is not null then {{
            'component': foreign_part.component, 'code': foreign_part.code,
            'problem': 'is given, but ' || "INDICATOR" || ' does not have this dimension', 'fix': 'write _Z'
        }}
        when unknown_part is not null then {{
            'component': unknown_part.component, 'code': unknown_part.code,
            'problem': 'is not a code of ' || "INDICATOR",
            'fix': 'use one of ' || array_to_string(map_keys(unknown_part."values"), ', ')
        }}
        when absent_part is not null and not is_deletion then {{
            'component': absent_part.component, 'code': absent_part.code,
            'problem': 'is missing; ' || "INDICATOR" || ' has this dimension',
            'fix': 'use one of ' || array_to_string(map_keys(absent_part."values"), ', ')
        }}
    end as fault
from judged;
