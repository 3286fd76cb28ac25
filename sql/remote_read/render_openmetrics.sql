-- A row is a part of the samples as lines of OpenMetrics with timestamps, series after series, and their number.
-- Labels are rendered once for each series. Rendering them for each sample would take most of the time.
with series as materialized (
    select
        number,
        metric || '{' || array_to_string(
            list_transform(
                list_sort(map_entries(map_concat(labels, map {'job': $job}))),
                lambda label: label.key || '="'
                    || replace(replace(replace(label.value, '\', '\\'), '"', '\"'), chr(10), '\n') || '"'
            ),
            ','
        ) || '} ' as beginning
    from history_series
    where number between $first and $last
),
samples as (
    select number, start, value, start::bigint * $tick_ms as at_ms
    from history_rows
    where number between $first and $last and start::bigint * $tick_ms between $first_ms and $last_ms and not isnan(value)
),
lines as (
    select
        number, start,
        concat(
            beginning,
            case
                when value = trunc(value) and abs(value) < 9007199254740992 then value::bigint::varchar
                else value::varchar
            end,
            ' ', at_ms // 1000, if(at_ms % 1000 = 0, '', format('.{:03}', at_ms % 1000)), chr(10)
        ) as line
    from samples
    join series using (number)
)
select string_agg(line, '' order by number, start), count(*)
from lines
