-- A row of history_rows is a value of a numbered series from a day on, counted from 1970; NaN ends the series.
create or replace temp table history_rows as
with numbered as (
    select n.number, h.holds_from, h.value
    from held as h
    join history_series as n on n.series_id = h.series_id and n.source = 'observed'
    union all
    select n.number, h.holds_from, h.change
    from held as h
    join history_series as n on n.series_id = h.series_id and n.source = 'changed'
    union all
    select n.number, d.as_of, d.value
    from derived as d
    join history_series as n on n.source = 'derived' and n.metric = d.metric and n.labels = d.labels
)
select number, (holds_from - date '1970-01-01' + 1)::integer as start, coalesce(value, 'nan'::double) as value
from numbered
order by number, start;
