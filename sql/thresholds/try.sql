-- Every value that one back-tested threshold, or the current ones, would govern in its comparison and severity, over the whole
-- history. $limit_value is null if no limit is given; the threshold is then evaluated with a limit that no value exceeds.
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

-- Both are about one metric, so its values are computed once, from the observations of its own series.
create or replace temp table tried_series as
select s.*
from store.series as s
join indicators as i using (indicator)
where $metric in (i.metric, 'a4p_indicator_change');

create or replace temp table tried_revisions as
with tried_observations as (
    select *
    from store.observations
    where series_id in (select series_id from tried_series)
)
from store.revisions_known_at(tried_observations, known_at_time());

create or replace temp table tried_observed as
select s.indicator, s.mission, s.dimensions, h.*
from store.holdings_of('tried_revisions') as h
join tried_series as s using (series_id);

create or replace temp table tried_holdings as
from store.threshold_holdings_of('tried_thresholds', 'tried_observed')
where unreported_period_end is null;

create or replace temp table trial as
with tried as (
    from store.evaluate_shown('tried_thresholds', 'tried_holdings')
),
today as (
    from store.evaluate_shown('today_thresholds', 'tried_holdings')
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

-- Earlier periods of a series are those that ended before, of the same length within the days by which months differ. They are
-- counted only for rare events, with an inner join: an outer join with these inequalities would compare every pair.
with earlier as (
    select t.mission, t.dimensions, t.period_start, t.period_end, avg(e.value) as earlier_mean, count(*) as earlier_count
    from trial as t
    join trial as e using (mission, dimensions)
    where $is_rare
        and e.period_end < t.period_start
        and abs((e.period_end - e.period_start) - (t.period_end - t.period_start)) <= 4
    group by all
)
select
    t.mission, t.dimensions, t.period_start, t.period_end, t.value, t.excess, t.is_tried, t.fires, t.fires_today, t.is_newest,
    e.earlier_mean, coalesce(e.earlier_count, 0) as earlier_count
from trial as t
left join earlier as e using (mission, dimensions, period_start, period_end)
order by t.fires desc, t.period_end desc, t.excess desc, t.mission, t.dimensions::varchar
