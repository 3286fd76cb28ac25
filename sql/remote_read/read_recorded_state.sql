-- One row that changes whenever thresholds, the comparisons of totals, or their series may have changed.
select
    (select max(recorded_at) from store.thresholds) as thresholds_at,
    (select max(recorded_at) from store.reconciliation_runs) as reconciled_at
