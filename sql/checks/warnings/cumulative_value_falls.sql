-- A cumulative value is below an earlier one that started on the same day, or above a later one.
with ordered as (
    select
        v.series_id, v.period_start, v.period_end, v.value, v.is_loaded,
        lag({'value': v.value, 'period_end': v.period_end}) over by_end as earlier,
        lead({'value': v.value, 'period_end': v.period_end, 'is_loaded': v.is_loaded}) over by_end as later
    from series_values as v
    join loaded_series as s using (series_id)
    where s.cumulative
    window by_end as (partition by v.series_id, v.period_start order by v.period_end)
)
select
    series_id, period_start, period_end,
    if(
        value < earlier.value,
        format('{:.10g} is below {:.10g}, the value until {}', value, earlier.value, earlier.period_end::varchar),
        format('{:.10g} is above {:.10g}, the value until {}', value, later.value, later.period_end::varchar)
    ) || '; a cumulative value cannot decrease' as message
from ordered
where is_loaded and (value < earlier.value or (value > later.value and not later.is_loaded))
