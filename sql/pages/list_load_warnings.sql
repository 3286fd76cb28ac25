-- A row is a warning about a value that is still current, newest load first.
select
    w.batch_id, w.file_name, w.file_row, w.indicator, i.title, w.mission, w.dimensions,
    name_period(c.cycle, w.period_start, w.period_end) as period, w.rule, w.message
from load_warnings as w
join indicators as i using (indicator)
left join cycles as c using (period_start, period_end)
where w.is_current
order by w.batch_id desc, w.file_row, w.rule
limit $max_rows
