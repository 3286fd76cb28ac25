-- A row of covered_days is a day as of which a KPI over events is computed, with the last day of its window: after the newest export
-- the window ends with the last covered day, as long as it has covered days.
create or replace temp table covered_days as
select d.as_of, least(d.as_of, w.covered_until) as window_end
from (select unnest($days::date[]) as as_of) as d
join kpi_windows as w on w.kpi = $kpi
where d.as_of < w.covered_until + w.window_days;
