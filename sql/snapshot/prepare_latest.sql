-- The current values as of the variable as_of, cached for the KPI queries: `latest` and `changes` as temporary tables over the views.
-- Drops the earlier tables first: they shadow the views of the same names.
drop table if exists temp.latest;

drop table if exists temp.changes;

create temp table latest as
select *, as_of_date() as as_of
from latest;

-- KPI queries and /metrics do not read changes over all missions, which are not series.
create temp table changes as
select *, as_of_date() as as_of
from store.series_changes;
