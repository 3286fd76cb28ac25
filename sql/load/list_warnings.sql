-- A row is a warning of the load, in the order of the files and their rows.
select
    b.file_ordinal, w.file_row as "row", coalesce(p.sheet, '') as sheet, s.indicator, s.mission, s.dimensions,
    name_period(c.cycle, w.period_start, w.period_end) as period, w.rule, w.message
from store.load_warnings as w
join appended_batches as b using (batch_id)
join store.series as s using (series_id)
join loaded_cells as l using (series_id, period_start, period_end)
left join staged_places as p on p.file_ordinal = l.file_ordinal and p.file_row = l.file_row
left join cycles as c using (period_start, period_end)
order by b.file_ordinal, l.file_row, w.rule
limit $limit
