-- Record the warnings, with the batch and row of their cells.
insert into store.load_warnings
select
    b.batch_id, coalesce(p.sheet_row, c.file_row), w.series_id, w.period_start, w.period_end, w.rule, w.message, $recorded_at::timestamptz
from found_warnings as w
join loaded_cells as c using (series_id, period_start, period_end)
join appended_batches as b using (file_ordinal)
left join staged_places as p using (file_ordinal, file_row);
