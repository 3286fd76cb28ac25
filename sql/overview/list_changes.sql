-- A row is a series of an open mission, or of peacekeeping as a whole, that is better or worse than in the previous period: the
-- $max_rows largest relative changes of each kind. place orders them for sentences: periods that end between $cycle_start and
-- $cycle_end first, then by relative change. Counts below 10, which change by chance, and booleans follow the others.
with judged as (
    select
        i.indicator, i.title, i.unit, i.better, i.priority, c.mission, c.dimensions, c.value, c.previous_value, c.change,
        name_period(y.cycle, c.period_start, c.period_end) as period,
        if((c.change > 0) = (i.better = 'higher'), 'better', 'worse') as tone,
        abs(c.change) / greatest(abs(c.value), abs(c.previous_value)) as relative_change,
        coalesce(c.period_end between $cycle_start and $cycle_end, false) as is_newest,
        case
            when i.unit = 'boolean' then 3
            when i.unit = 'count' and greatest(c.value, c.previous_value) < 10 then 2
            else 1
        end as weight
    from store.series_changes as c
    join indicators as i using (indicator)
    join store.current_missions as m using (mission)
    left join cycles as y on y.period_start = c.period_start and y.period_end = c.period_end
    where i.better <> 'neutral' and c.change <> 0 and m.status <> 'closed'
)
select
    *, count(*) over (partition by tone) as tone_count,
    row_number() over (
        partition by tone
        order by is_newest desc, weight, relative_change desc, abs(change) desc, indicator, mission, dimensions::varchar
    ) as place
from judged
qualify row_number() over (
    partition by tone order by relative_change desc, abs(change) desc, indicator, mission, dimensions::varchar
) <= $max_rows or place <= 3
order by relative_change desc, abs(change) desc, indicator, mission, dimensions::varchar
