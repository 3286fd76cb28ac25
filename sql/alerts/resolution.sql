-- A row is a possible cause of the end of an alert, recorded while it fired ($starts_at to $ends_at): a limit, an observation, a
-- KPI value or the status of a mission. `clears`: whether the value valid from then on is within the limit valid from then on.
-- An alert that fires through several periods or limits keeps $value and $limit_value of its first notification.
with limits as (
    select
        if(limit_value is null, 'limit removed', 'limit changed') as cause,
        if(limit_value is null, 'limit ' || replaced_limit || ' removed', 'limit changed from ' || coalesce(replaced_limit::varchar, 'none') || ' to ' || limit_value)
            || ' by ' || set_by || coalesce(': ' || note, '') as detail,
        recorded_at, null::date as period_end, null::double as value, limit_value, limit_value is null as is_end
    from threshold_history
    where metric = $metric and mission in ($mission, '*') and comparison = $comparison and severity = $severity
        and list_has_all(map_entries($labels::map(varchar, varchar)), map_entries(dimensions))
),
about as (
    select indicator
    from indicators
    where metric = $metric or ($metric = 'a4p_indicator_change' and indicator = $indicator)
),
observed as (
    select
        case
            when o.status = 'M' then 'series ended'
            when o.period_end = try_cast($period_end as date) then 'correction'
            when o.period_end > try_cast($period_end as date) then 'new period'
            else 'correction of an earlier period'
        end as cause,
        case
            when o.status = 'M' then 'not applicable'
            when o.value is null then 'no value (status ' || o.status || ')'
            else 'value ' || o.value
        end || ' for ' || o.period_start || ' to ' || o.period_end
            || ', batch ' || o.batch_id || ', ' || b.file_name || ', by ' || b.loaded_by as detail,
        o.recorded_at, o.period_end,
        -- The value of the newest period with one is compared.
        if(
            o.period_end >= greatest(
                try_cast($period_end as date),
                max(o.period_end) filter (where o.value is not null)
                    over (order by o.recorded_at, o.period_end rows between unbounded preceding and current row)
            ),
            o.value, null
        ) as value,
        null::double as limit_value, o.status = 'M' or $metric = 'a4p_indicator_change' as is_end
    from observation_revisions as o
    join about using (indicator)
    join batches as b using (batch_id)
    where o.mission = $mission and list_has_all(map_entries($labels::map(varchar, varchar)), map_entries(o.dimensions))
),
computed as (
    select
        'KPI recomputed' as cause,
        coalesce('value ' || v.value, 'no longer computed') || ' as of ' || v.as_of
            || coalesce(
                ', after batch ' || (
                    select string_agg(b.batch_id || ' (' || b.file_name || ', by ' || b.loaded_by || ')', ', ' order by b.batch_id)
                    from batches as b
                    where b.recorded_at > $starts_at::timestamptz and b.recorded_at <= v.computed_at
                ),
                ''
            ) as detail,
        v.computed_at as recorded_at, v.as_of as period_end, v.value, null::double as limit_value, v.value is null as is_end
    from kpi_values as v
    join kpis as k using (kpi)
    where k.metric = $metric and v.mission = $mission
        and list_has_all(map_entries($labels::map(varchar, varchar)), map_entries(v.dimensions))
        and v.as_of >= coalesce(try_cast($period_end as date), v.as_of)
),
-- The last values of a closed mission are still compared, so its closing alone ends no breach.
closed as (
    select 'mission closed' as cause, describe_closure(mission, closed_on) as detail, recorded_at, null::date as period_end,
        null::double as value, null::double as limit_value, false as is_end
    from store.mission_closures
    where mission = $mission
),
recorded as (
    select * from limits
    union all
    select * from observed
    union all
    select * from computed
    union all
    select * from closed
),
in_force as (
    select
        *,
        coalesce(last_value(value ignore nulls) over so_far, $value) as value_then,
        coalesce(last_value(limit_value ignore nulls) over so_far, $limit_value) as limit_then
    from recorded
    where recorded_at > $starts_at::timestamptz and recorded_at <= $ends_at::timestamptz
    window so_far as (order by recorded_at, period_end rows between unbounded preceding and current row)
)
select
    cause, detail, strftime(in_force.recorded_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as recorded_at,
    coalesce(
        is_end
        or coalesce(value, limit_value) is not null
            and not if($comparison = 'above', value_then > limit_then, value_then < limit_then),
        false
    ) as clears
from in_force
order by in_force.recorded_at, cause
