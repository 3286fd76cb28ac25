-- The period of a value overlaps another period of its series, so that events may be counted twice.
-- Only for irregular indicators: other periods have to be whole cycles or years. Cumulative values start on the same day.
with ordered as (
    select
        v.series_id, v.period_start, v.period_end, v.is_loaded,
        max({'period_end': v.period_end, 'period_start': v.period_start}) over (
            partition by v.series_id order by v.period_start, v.period_end
            rows between unbounded preceding and 1 preceding
        ) as earlier,
        lead({'period_end': v.period_end, 'period_start': v.period_start, 'is_loaded': v.is_loaded}) over (
            partition by v.series_id order by v.period_start, v.period_end
        ) as later
    from series_values as v
    join loaded_series as s using (series_id)
    where s.frequency = 'irregular' and not coalesce(s.cumulative, false)
)
select
    series_id, period_start, period_end,
    'the period overlaps ' || if(
        earlier.period_end >= period_start,
        earlier.period_start || '..' || earlier.period_end,
        later.period_start || '..' || later.period_end
    ) || ' of the same series' as message
from ordered
where is_loaded
    and (earlier.period_end >= period_start or (later.period_start <= period_end and not later.is_loaded))
