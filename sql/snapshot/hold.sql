-- The current values as of the variable as_of, cached for the KPI queries: `latest` and `changes` as temporary tables over the views.
-- They go first: while they stand, the names of the views mean them.
drop table if exists temp.latest;

drop table if exists temp.changes;

create temp table latest as
select *, as_of_date() as as_of
from latest;

-- Changes over all missions are no series of their own, so KPI queries and /metrics do not read them.
create temp table changes as
select *, as_of_date() as as_of
from store.series_changes;
