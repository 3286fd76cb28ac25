-- title: Value outside the range of earlier values
-- severity: low        missing_values: skip_if_any
-- description: A value is below the minimum or above the maximum of all earlier values of its series, at least 3 of them.
-- action: Check the value.
with ranged as (
    select
        v.series_id, v.period_start, v.period_end, v.value, v.is_loaded,
        count(*) over earlier as earlier_values, min(v.value) over earlier as lowest, max(v.value) over earlier as highest
    from series_values as v
    join loaded_series as s using (series_id)
    where not coalesce(s.cumulative, false)
    window earlier as (
        partition by v.series_id order by v.period_end, v.period_start
        rows between unbounded preceding and 1 preceding
    )
)
select
    series_id, period_start, period_end, null::integer as relation,
    format(
        '{:.10g} is {} {:.10g}, the {} of {} earlier values',
        value, if(value < lowest, 'below', 'above'), if(value < lowest, lowest, highest),
        if(value < lowest, 'minimum', 'maximum'), earlier_values
    ) as message
from ranged
where is_loaded and earlier_values >= 3 and (value < lowest or value > highest)
    and (series_id, period_start, period_end) not in (
        select (series_id, period_start, period_end)
        from found_warnings
        where rule in ('outlier', 'rare_event_surge')
    )
