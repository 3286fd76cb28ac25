-- A row is some of the samples as lines of OpenMetrics with timestamps, series after series, and their number.
with lines as (
    select
        r.number, r.start,
        s.metric || '{' || array_to_string(
            list_transform(
                list_sort(map_entries(map_concat(s.labels, map {'job': $job}))),
                lambda label: label.key || '="'
                    || replace(replace(replace(label.value, '\', '\\'), '"', '\"'), chr(10), '\n') || '"'
            ),
            ','
        ) || '} '
        || case
            when r.value = trunc(r.value) and abs(r.value) < 9007199254740992 then r.value::bigint::varchar
            else r.value::varchar
        end
        || ' ' || (r.start::bigint * $tick_ms // 1000)
        || if(r.start::bigint * $tick_ms % 1000 = 0, '', format('.{:03}', r.start::bigint * $tick_ms % 1000))
        || chr(10) as line
    from history_rows as r
    join history_series as s using (number)
    where r.number between $first and $last and r.start::bigint * $tick_ms between $first_ms and $last_ms and not isnan(r.value)
)
select string_agg(line, '' order by number, start), count(*)
from lines
