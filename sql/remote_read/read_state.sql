-- One row that changes whenever the history may have changed: newest batch, catalogue, KPI definition, KPI value and passed deadline (ages are computed each time).
select
    (select max(batch_id) from store.batches) as batch_id,
    store.catalogue_version() as catalogue_version,
    (select max(recorded_at) from store.kpis) as kpis_at,
    (select max(computed_at) from store.kpi_values where kpi <> 'indicator_age_days') as computed_at,
    (
        select max(p.period_end + coalesce(e.due_days, p.due_days))
        from (select distinct frequency, due_days from store.expected_missions) as e
        join store.reporting_periods as p using (frequency)
        where is_past_due(p.period_end + coalesce(e.due_days, p.due_days))
    ) as newest_deadline
