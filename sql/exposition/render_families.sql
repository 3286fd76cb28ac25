-- A row is a metric family: its samples as lines of the Prometheus text format, which is OpenMetrics too, and their number.
-- Labels come in the order of the map; backslash, quote and line feed are escaped as both formats ask.
with lines as (
    select
        metric,
        metric || '{' || array_to_string(
            list_transform(
                map_entries(labels),
                lambda label: label.key || '="'
                    || replace(replace(replace(label.value, '\', '\\'), '"', '\"'), chr(10), '\n') || '"'
            ),
            ','
        ) || '} '
        -- A whole number is written without a fraction; beyond 2^53 the shortest form that reads back the same is.
        || case
            when value = trunc(value) and abs(value) < 9007199254740992 then value::bigint::varchar
            else value::varchar
        end
        || chr(10) as line
    from samples
)
select metric, encode(string_agg(line, '' order by line)) as body, count(*) as sample_count
from lines
group by metric
