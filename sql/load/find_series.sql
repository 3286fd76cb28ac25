-- Look the staged series up again: another load may have added them since they were staged.
create or replace temp table staged_series as
select n.staged_series_id, n.indicator, n.mission, n.written_dimensions, n.dimensions, s.series_id
from staged_series as n
left join store.series as s using (indicator, mission, dimensions);
