-- A row is a warning of the load, in the order of the files and their rows.
select
    b.file_ordinal, w.file_row as "row", s.indicator, s.mission, s.dimensions,
    name_period(c.cycle, w.period_start, w.period_end) as period, w.rule, w.message
from store.load_warnings as w
join appended_batches as b using (batch_id)
join store.series as s using (series_id)
left join cycles as c using (period_start, period_end)
order by b.file_ordinal, w.file_row, w.rule
limit $limit
