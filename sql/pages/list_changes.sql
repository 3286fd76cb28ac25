-- A row is a series that is better or worse than in the previous period: the $max_rows largest relative changes of each kind.
with judged as (
    select
        i.indicator, i.title, i.unit, i.better, c.mission, c.dimensions, c.value, c.previous_value, c.change,
        name_period(y.cycle, c.period_start, c.period_end) as period,
        if((c.change > 0) = (i.better = 'higher'), 'better', 'worse') as tone
    from store.series_changes as c
    join indicators as i using (indicator)
    left join cycles as y on y.period_start = c.period_start and y.period_end = c.period_end
    where i.better <> 'neutral' and c.change <> 0
)
select *, count(*) over (partition by tone) as tone_count
from judged
qualify row_number() over (
    partition by tone
    order by abs(change) / greatest(abs(value), abs(previous_value)) desc, abs(change) desc, indicator, mission, dimensions::varchar
) <= $max_rows
order by abs(change) / greatest(abs(value), abs(previous_value)) desc, abs(change) desc, indicator, mission, dimensions::varchar
