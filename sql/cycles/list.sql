-- A row is a cycle with how much is known about its own period.
select
    c.cycle, c.period_start, c.period_end,
    count(distinct o.indicator) as indicator_count,
    count(distinct o.mission) filter (where o.mission <> 'ALL') as mission_count,
    count(o.value) as figure_count,
    max(o.recorded_at) as recorded_at
from cycles as c
left join observations as o using (period_start, period_end)
group by all
order by c.cycle desc
