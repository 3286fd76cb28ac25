-- A row of governed_latest is a row of `latest` of one of $indicators, whose values or changes have a threshold. A list, unlike a
-- query, limits the series that are read.
create or replace temp table governed_latest as
select i.metric, l.indicator, l.mission, l.dimensions, l.period_end, l.value, l.status, l.source, l.page
from latest as l
join indicators as i using (indicator)
where list_contains($indicators::varchar[], l.indicator);

-- A row of shown_series is a series of the exposition whose metric has a threshold.
create or replace temp table shown_series as
select metric, mission, dimensions
from governed_latest
where value is not null and metric in (select metric from thresholds)
union all
select k.metric, c.mission, c.dimensions
from kpi_computed as c
join kpis as k using (kpi)
where c.as_of = as_of_date() and k.metric in (select metric from thresholds)
union all
select 'a4p_indicator_change', mission, map_concat(map {'indicator': indicator}, dimensions)
from changes
where list_contains($indicators::varchar[], indicator) and 'a4p_indicator_change' in (select metric from thresholds)
