-- A row is the value of one series of the prepared cycle for one of its last $max_periods periods up to the cycle.
select
    o.indicator, o.mission, f.part, name_period(c.cycle, o.period_start, o.period_end) as period, o.period_start, o.period_end,
    o.value, o.status
from observations as o
join cycle_observations as f using (indicator, mission, dimensions)
left join cycles as c on (c.period_start, c.period_end) = (o.period_start, o.period_end)
where o.period_end <= f.period_end
qualify row_number() over (
    partition by o.indicator, o.mission, o.dimensions order by o.period_end desc, o.period_start desc
) <= $max_periods
order by f.indicator_ordinal, f.places, f.part, f.mission_ordinal, o.period_end, o.period_start
