-- A row is a value of a disaggregation, in the order of the catalogue, with its SDMX code.
with entries as (
    select i.ordinal, unnest(map_entries(i.dimensions)) as entry
    from store.current_indicators as i
),
listed as (
    select ordinal, entry.key as dimension, unnest(entry.value) as name, generate_subscripts(entry.value, 1) as position
    from entries
),
ordered as (
    select dimension, name, min((ordinal, position)) as place
    from listed
    group by all
)
select dimension, sdmx_code(name) as id, name
from ordered
order by dimension, place
