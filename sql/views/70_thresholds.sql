-- Limits on metrics: those in force, and who set what when.
create or replace view threshold_history as
select
    metric, mission, dimensions, comparison, severity, limit_value,
    lag(limit_value) over (partition by metric, mission, dimensions, comparison, severity order by recorded_at) as replaced_limit,
    note, set_by, recorded_at
from store.thresholds;

comment on view threshold_history is 'A row is one setting or removal of a threshold.';
comment on column threshold_history.metric is 'Metric the threshold is on.';
comment on column threshold_history.mission is 'Mission it is for; * for every mission.';
comment on column threshold_history.dimensions is 'Dimension values it is for; empty for all.';
comment on column threshold_history.comparison is 'above or below.';
comment on column threshold_history.severity is 'info, warning or critical.';
comment on column threshold_history.limit_value is 'The limit in the unit of the metric; null where it was removed.';
comment on column threshold_history.replaced_limit is 'The limit it replaced.';
comment on column threshold_history.note is 'Why it was set.';
comment on column threshold_history.set_by is 'Who set it.';
comment on column threshold_history.recorded_at is 'When it was set, UTC.';

create or replace view store.thresholds_in_force as
select metric, mission, dimensions, comparison, severity, limit_value, note, set_by, recorded_at
from store.thresholds
where recorded_at <= known_at_time()
qualify row_number() over (partition by metric, mission, dimensions, comparison, severity order by recorded_at desc) = 1
    and limit_value is not null;

comment on view store.thresholds_in_force is 'A row is a threshold in force.';

-- A mission's own limit comes before one for every mission (store.matching_thresholds), whatever dimensions they name; two that
-- name different values of one dimension govern different series.
create or replace view store.threshold_exclusions as
select
    t.metric, t.dimensions as threshold_dimensions, t.comparison, t.severity, o.mission, o.dimensions,
    true as is_own, o.limit_value
from store.thresholds_in_force as t
join store.thresholds_in_force as o using (metric, comparison, severity)
where t.mission = '*' and o.mission not in ('*', 'ALL')
    and coalesce(list_bool_and(list_transform(
        map_keys(o.dimensions), lambda name: coalesce(t.dimensions[name] = o.dimensions[name], true)
    )), true);

comment on view store.threshold_exclusions is 'A row is a mission whose own limit applies in place of one for every mission.';

create or replace view thresholds as
with excluded as (
    select
        metric, '*' as mission, threshold_dimensions as dimensions, comparison, severity,
        list_sort(list(distinct mission)) as missions
    from store.threshold_exclusions
    group by metric, threshold_dimensions, comparison, severity
)
select t.*, coalesce(e.missions, []) as excluded_missions
from store.thresholds_in_force as t
left join excluded as e using (metric, mission, dimensions, comparison, severity);

comment on view thresholds is 'A row is a threshold in force.';
comment on column thresholds.metric is 'Metric the threshold is on.';
comment on column thresholds.mission is 'Mission it is for; * for every mission.';
comment on column thresholds.dimensions is 'Dimension values it is for; empty for all.';
comment on column thresholds.comparison is 'above or below.';
comment on column thresholds.severity is 'info, warning or critical.';
comment on column thresholds.limit_value is 'The limit in the unit of the metric.';
comment on column thresholds.note is 'Why it was set.';
comment on column thresholds.set_by is 'Who set it.';
comment on column thresholds.recorded_at is 'When it was set, UTC.';
comment on column thresholds.excluded_missions is 'Of a threshold for every mission, those whose own limit applies in its place.';
