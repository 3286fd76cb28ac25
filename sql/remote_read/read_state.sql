-- One row that differs whenever the history may: newest batch, catalogue, KPI definition and KPI figure (ages are computed anew).
select
    (select max(batch_id) from store.batches) as batch_id,
    (select max(catalogue_version) from store.catalogues) as catalogue_version,
    (select max(recorded_at) from store.kpis) as kpis_at,
    (select max(computed_at) from store.kpi_values where kpi <> 'indicator_age_days') as computed_at
