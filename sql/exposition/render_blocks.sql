-- A row is a block of a metric family: its samples as lines of the Prometheus text format, which is OpenMetrics too, and their number.
-- A block has one first label, and in families with series of one indicator and mission one second label, so that it has the
-- series of one indicator and mission.
-- Labels are in the order of the map. If $is_escaped, backslash, quote and line feed are escaped as both formats require.
-- Otherwise the text has other numbers of these characters than label_count and sample_count if that was necessary.
with lines as (
    select
        metric,
        cardinality(labels) as label_count,
        map_keys(labels) as names,
        map_values(labels) as texts,
        texts[1] as first_label,
        if(list_contains($paired::varchar[], metric), texts[2], '') as second_label,
        concat(
            metric, '{',
            -- Written out for the usual numbers of labels: half of the time of a list.
            case if($is_escaped, 0, label_count)
                when 1 then concat(names[1], '="', texts[1], '"')
                when 2 then concat(names[1], '="', texts[1], '",', names[2], '="', texts[2], '"')
                when 3 then concat(
                    names[1], '="', texts[1], '",', names[2], '="', texts[2], '",', names[3], '="', texts[3], '"'
                )
                when 4 then concat(
                    names[1], '="', texts[1], '",', names[2], '="', texts[2], '",', names[3], '="', texts[3], '",',
                    names[4], '="', texts[4], '"'
                )
                else array_to_string(
                    list_transform(
                        map_entries(labels),
                        lambda label: concat(
                            label.key, '="',
                            -- Searching first takes a third of the time of an unnecessary replacement.
                            case
                                when contains(label.value, '\') or contains(label.value, '"') or contains(label.value, chr(10))
                                    then replace(replace(replace(label.value, '\', '\\'), '"', '\"'), chr(10), '\n')
                                else label.value
                            end,
                            '"'
                        )
                    ),
                    ','
                )
            end,
            '} ',
            -- A whole number is written without a fraction; beyond 2^53, in the shortest form that is read back the same.
            case
                when value = trunc(value) and abs(value) < 9007199254740992 then value::bigint::varchar
                else value::varchar
            end,
            chr(10)
        ) as line
    from samples
    where metric between $first_metric and $last_metric
)
select
    metric, first_label, second_label, encode(string_agg(line, '' order by line)) as body, count(*) as sample_count,
    sum(label_count)::bigint as label_count
from lines
group by metric, first_label, second_label
