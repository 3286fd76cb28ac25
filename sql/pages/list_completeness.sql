-- A row is an indicator in an ended period for which it was due or reported, with the missions that did not report it.
select
    c.indicator, i.title, p.title as priority_title, i.priority, c.cycle, name_period(c.cycle, c.period_start, c.period_end) as period,
    c.period_start, c.period_end, c.missions_expected, c.missions_reported, coalesce(c.missing, []) as missing
from store.period_completeness as c
join store.current_indicators as i using (indicator)
join priorities as p using (priority)
where c.period_end <= as_of_date()
order by i.ordinal, c.period_end, c.period_start
limit $max_rows
