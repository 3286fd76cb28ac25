-- Move the staged rows to staged_cells. Rows with errors are not needed: nothing is loaded then.
insert into staged_cells
select
    n.staged_series_id, s.period_start, s.period_end, s.value, s.status, s.source, s.page, s.note, s.file_ordinal, s.file_row
from staged as s
join staged_series as n
    on n.indicator = s.indicator and n.mission = s.mission and n.written_dimensions = s.dimensions;

drop table staged;
