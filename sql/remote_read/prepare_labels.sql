-- A row of history_labels is one label of one series. Labels with an empty value are left out.
create or replace temp table history_labels as
with named as (
    select number, '__name__' as name, metric as value
    from history_series
    union all
    select number, unnest(map_keys(labels)), unnest(map_values(labels))
    from history_series
)
select number, name, value
from named
where value <> '';

-- A row of history_values is one value of one label, with its code from 1, in the order of the values.
create or replace temp table history_values as
with distinct_values as (
    select distinct name, value
    from history_labels
)
select name, value, row_number() over (partition by name order by value)::integer as code
from distinct_values;
