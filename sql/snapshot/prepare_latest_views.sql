-- As prepare_latest.sql, with temporary views: a query reads only what it needs of a large warehouse, each time.
drop table if exists temp.latest;

drop table if exists temp.changes;

create temp view latest as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at, as_of_date() as as_of
from store.latest_observations as o
join store.series as s using (series_id);

create temp view changes as
select *, as_of_date() as as_of
from store.series_changes;
