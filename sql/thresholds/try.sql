-- Every figure that one tried threshold, or those of today, would govern in its comparison and severity, over the whole
-- history: $limit_value is null where no limit is tried, and the threshold is then evaluated with one that nothing passes.
create or replace temp table today_thresholds as
select *
from thresholds
where metric = $metric and comparison = $comparison and severity = $severity;

create or replace temp table tried_thresholds as
select *
from today_thresholds
where mission <> $mission or dimensions <> $dimensions::map(varchar, varchar)
union all by name
select
    $metric as metric, $mission as mission, $dimensions::map(varchar, varchar) as dimensions, $comparison as comparison,
    $severity as severity, coalesce($limit_value::double, if($comparison = 'above', 1, -1) * 1.7e308) as limit_value,
    null::varchar as note, 'tried' as set_by, 'infinity'::timestamptz as recorded_at;

create or replace temp table trial as
with tried as (
    from evaluate_thresholds('tried_thresholds')
    where unreported_period_end is null
),
today as (
    from evaluate_thresholds('today_thresholds')
    where unreported_period_end is null
)
select
    coalesce(n.mission, d.mission) as mission,
    coalesce(n.dimensions, d.dimensions) as dimensions,
    coalesce(n.period_start, d.period_start) as period_start,
    coalesce(n.period_end, d.period_end) as period_end,
    coalesce(n.value, d.value) as value,
    n.excess,
    coalesce(n.set_by = 'tried', false) as is_tried,
    coalesce(n.is_breach, false) as fires,
    coalesce(d.is_breach, false) as fires_today,
    coalesce(n.holds_until, d.holds_until) is null as is_newest
from tried as n
full join today as d using (mission, dimensions, holds_from);

-- Earlier periods of one series are those that ended before, of the same length but for the days that months differ in.
with followed as (
    select t.*, avg(e.value) as earlier_mean, count(e.value) as earlier_count
    from trial as t
    left join trial as e
        on e.mission = t.mission and e.dimensions = t.dimensions and e.period_end < t.period_start
        and abs((e.period_end - e.period_start) - (t.period_end - t.period_start)) <= 4
    group by all
)
select
    mission, dimensions, period_start, period_end, value, excess, is_tried, fires, fires_today, is_newest,
    earlier_mean, earlier_count
from followed
order by fires desc, period_end desc, excess desc, mission, dimensions::varchar
