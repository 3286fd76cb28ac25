-- A row is a metric with a threshold and a series that has ended, so that its last value is still compared.
create or replace temp table ended_metrics as
select distinct metric
from governed_latest
where value is null and status <> 'M' and metric in (select metric from thresholds)
union
select k.metric
from kpi_values as v
join kpis as k using (kpi)
where k.metric in (select metric from thresholds) and v.value is not null and v.as_of <= as_of_date()
    and (v.kpi, v.mission, v.dimensions) not in (
        select (kpi, mission, dimensions)
        from kpi_computed
        where as_of = as_of_date()
    )
union
select metric
from thresholds
where metric = 'a4p_indicator_change';

create or replace temp table carried_series (
    metric varchar, mission varchar, dimensions map(varchar, varchar), value double, period_end date, status varchar,
    source varchar, page varchar, unreported_period_end date
);

select count(*) from ended_metrics
