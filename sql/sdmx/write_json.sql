-- A row is a series as a member of an SDMX-JSON object, in the order of revisions and series.
-- service/sdmx/json_data.py inserts the columns of the key and of the array of an observation.
with numbered_periods as (
    select "TIME_PERIOD", row_number() over (order by period_end, period_start) - 1 as period_number
    from (select distinct "TIME_PERIOD", period_start, period_end from sdmx_selected)
),
keys as (
    select series_order, concat_ws(':', {ranks}) as series_key
    from (select distinct series_order, {dimensions} from sdmx_selected)
),
written as (
    select
        d.series_order, k.series_key, {valid_from} as "VALID_FROM", p.period_number,
        {series_attributes} as series_attributes,
        '[' || concat_ws(',', {observation}) || ']' as observation
    from sdmx_selected as d
    join keys as k using (series_order)
    join numbered_periods as p using ("TIME_PERIOD")
)
select
    "VALID_FROM",
    if(
        $is_flat,
        string_agg('"' || series_key || ':' || period_number || '":' || observation, ',' order by period_number),
        '"' || series_key || '":{{"attributes":[' || any_value(series_attributes) || '],"observations":{{'
        || string_agg('"' || period_number || '":' || observation, ',' order by period_number) || '}}}}'
    ) as member
from written
group by "VALID_FROM", series_order, series_key
order by "VALID_FROM", series_order
