-- Record the current results of the view reconciliation.
insert into store.reconciliation_runs
select (select coalesce(max(batch_id), 0) from store.batches), $digest, $now::timestamptz;

insert into store.reconciliations
select check_name, bool_and(agrees), $now::timestamptz
from reconciliation
where agrees is not null
group by check_name
