-- A row is a series as a member of an SDMX-JSON object, in the order of revisions and series.
-- service/sdmx/json_data.py inserts the columns of the key and of the array of an observation.
with numbered_periods as (
    select "TIME_PERIOD", row_number() over (order by _period_end, _period_start) - 1 as _period_number
    from (select distinct "TIME_PERIOD", _period_start, _period_end from sdmx_selected)
),
keys as (
    select _series_order, concat_ws(':', {ranks}) as _series_key
    from (select distinct _series_order, {dimensions} from sdmx_selected)
),
written as (
    select
        d._series_order, k._series_key, {valid_from} as "VALID_FROM", p._period_number,
        {series_attributes} as _series_attributes,
        '[' || concat_ws(',', {observation}) || ']' as _observation
    from sdmx_selected as d
    join keys as k using (_series_order)
    join numbered_periods as p using ("TIME_PERIOD")
)
select
    "VALID_FROM",
    if(
        $is_flat,
        string_agg('"' || _series_key || ':' || _period_number || '":' || _observation, ',' order by _period_number),
        '"' || _series_key || '":{{"attributes":[' || any_value(_series_attributes) || '],"observations":{{'
        || string_agg('"' || _period_number || '":' || _observation, ',' order by _period_number) || '}}}}'
    ) as member
from written
group by "VALID_FROM", _series_order, _series_key
order by "VALID_FROM", _series_order
