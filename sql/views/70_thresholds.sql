-- Thresholds: the current ones, and their history.
create or replace view threshold_history as
select
    metric, mission, dimensions, comparison, severity, limit_value,
    lag(limit_value) over (partition by metric, mission, dimensions, comparison, severity order by recorded_at) as replaced_limit,
    note, set_by, recorded_at
from store.thresholds;

comment on view threshold_history is 'A row is a change of a threshold: set or removed.';

create or replace view store.thresholds_in_force as
select metric, mission, dimensions, comparison, severity, limit_value, note, set_by, recorded_at
from store.thresholds
where recorded_at <= known_at_time()
qualify row_number() over (partition by metric, mission, dimensions, comparison, severity order by recorded_at desc) = 1
    and limit_value is not null;

comment on view store.thresholds_in_force is 'A row is a current threshold.';

-- The own threshold of a mission has precedence over one for every mission (store.matching_thresholds), for any dimensions. Two
-- thresholds for different values of one dimension govern different series.
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

comment on view store.threshold_exclusions is 'A row is a mission whose own threshold applies instead of one for every mission.';

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

comment on view thresholds is 'A row is a current threshold.';
