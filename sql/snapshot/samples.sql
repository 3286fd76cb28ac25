-- A row of samples is one series of the exposition: its metric, its labels in order, its value. Null values have no row.
-- Of values of indicators and what is derived from them, only those of changed_blocks, which the previous snapshot does not have.
create or replace temp table samples as
-- One map from two lists takes 40 % of the time of joining two maps.
select
    i.metric, map(list_prepend('mission', map_keys(l.dimensions)), list_prepend(l.mission, map_values(l.dimensions))) as labels,
    l.value
from changed_latest as l
join indicators as i using (indicator)
where l.value is not null
union all
select k.metric, map_concat(map {'mission': c.mission}, c.dimensions), c.value
from kpi_computed as c
join kpis as k using (kpi)
where c.as_of = as_of_date()
union all
select 'a4p_kpi_missions_used', map_concat(map {'kpi': kpi, 'mission': mission}, dimensions), len(missions)
from kpi_computed
where as_of = as_of_date() and missions is not null
union all
select 'a4p_kpi_missions_expected', map_concat(map {'kpi': kpi, 'mission': mission}, dimensions), missions_expected
from kpi_computed
where as_of = as_of_date() and missions is not null
union all
select
    'a4p_indicator_info',
    map {'indicator': indicator, 'metric': metric, 'priority': priority, 'unit': unit, 'better': better},
    1
from indicators
union all
select 'a4p_kpi_info', map {'kpi': kpi, 'metric': metric, 'priority': priority, 'unit': unit, 'better': better}, 1
from kpis
union all
select
    'a4p_mission_info',
    map {'mission': mission, 'location': location, 'latitude': latitude::varchar, 'longitude': longitude::varchar},
    1
from missions
where latitude is not null and is_open_on(status, opened_on, closed_on, as_of_date())
union all
select 'a4p_indicator_expected', map {'indicator': indicator, 'mission': mission}, 1
from store.expected_missions
where is_open_on(status, opened_on, closed_on, as_of_date())
union all
select
    'a4p_indicator_period_end_timestamp_seconds',
    map {'indicator': l.indicator, 'mission': l.mission},
    epoch(max(l.period_end))
from changed_latest as l
semi join indicators as i using (indicator)
group by l.indicator, l.mission
union all
select distinct
    'a4p_indicator_status',
    map {'indicator': l.indicator, 'mission': l.mission, 'status': l.status},
    1
from changed_latest as l
semi join indicators as i using (indicator)
where l.status <> 'A'
union all
select
    'a4p_indicator_change',
    map(['indicator', 'mission'] || map_keys(c.dimensions), [c.indicator, c.mission] || map_values(c.dimensions)),
    c.change
from changed_changes as c
semi join indicators as i using (indicator)
union all
select
    'a4p_indicator_overdue',
    map {'indicator': o.indicator, 'mission': o.mission, 'cycle': o.cycle::varchar, 'title': i.title},
    1
from overdue_reports as o
join indicators as i using (indicator)
union all
select 'a4p_reconciliation_agrees', map {'check': check_name}, bool_and(agrees)::integer
from store.reconciliations
where recorded_at = (select max(recorded_at) from store.reconciliation_runs)
group by check_name
