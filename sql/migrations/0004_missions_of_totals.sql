-- Over which missions a KPI value is summed and how many were expected; null where it is not a total, and in rows of release 0.1.
alter table store.kpi_values add column missions varchar[];

alter table store.kpi_values add column missions_used integer;

alter table store.kpi_values add column missions_expected integer;

-- The largest possible value of a KPI; null where there is none, and in rows of release 0.1.
alter table store.kpis add column maximum double;
