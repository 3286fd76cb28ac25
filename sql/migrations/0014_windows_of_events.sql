-- The feed and the days of the window of a KPI that counts events; null for a KPI that is computed from observations.
alter table store.kpis add column feed varchar;

alter table store.kpis add column window_days integer;
