-- One row that differs whenever thresholds, the comparisons of totals, or the series that they are about may.
select
    (select max(recorded_at) from store.thresholds) as thresholds_at,
    (select max(recorded_at) from store.reconciliation_runs) as reconciled_at
