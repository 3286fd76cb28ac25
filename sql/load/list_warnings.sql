-- A row is a warning of the load, in the order of the files and their rows.
-- A loaded cell is in a cycle of the view `cycles` too, which reads all reports.
with numbered as materialized (
    select b.file_ordinal, l.file_row, w.series_id, w.period_start, w.period_end, w.rule, w.message, w.file_row as shown_row
    from loaded_cells as l
    join store.load_warnings as w using (series_id, period_start, period_end)
    join appended_batches as b using (batch_id)
    order by b.file_ordinal, l.file_row, w.rule
    limit $limit
)
select
    n.file_ordinal, n.shown_row as "row", coalesce(p.sheet, '') as sheet, s.indicator, s.mission, s.dimensions,
    name_period(c.cycle, n.period_start, n.period_end) as period, n.rule, n.message
from numbered as n
join store.series as s using (series_id)
left join staged_places as p using (file_ordinal, file_row)
left join store.cycle_calendar as c using (period_start, period_end)
order by n.file_ordinal, n.file_row, n.rule
