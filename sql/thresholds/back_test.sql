-- Every value that one back-tested threshold, or the current ones, would govern in its comparison and severity, over the whole
-- history. $limit_value is null if no limit is given; the threshold is then evaluated with a limit that no value exceeds. With
-- $removes, the others are evaluated without the back-tested one.
create or replace temp table today_thresholds as
select *
from thresholds
where metric = $metric and comparison = $comparison and severity = $severity;

create or replace temp table tested_thresholds as
select *
from today_thresholds
where mission <> $mission or dimensions <> $dimensions::map(varchar, varchar)
union all by name
select
    $metric as metric, $mission as mission, $dimensions::map(varchar, varchar) as dimensions, $comparison as comparison,
    $severity as severity, coalesce($limit_value::double, if($comparison = 'above', 1, -1) * 1.7e308) as limit_value,
    null::varchar as note, 'tested' as set_by, 'infinity'::timestamptz as recorded_at;

-- Both are about one metric, so its values are computed once, from the observations of its own series.
create or replace temp table tested_series as
select s.*
from store.series as s
join indicators as i using (indicator)
where $metric in (i.metric, 'a4p_indicator_change');

create or replace temp table tested_revisions as
with tested_observations as (
    select *
    from store.observations
    where series_id in (select series_id from tested_series)
)
from store.revisions_known_at(tested_observations, known_at_time());

create or replace temp table tested_observed as
select s.indicator, s.mission, s.dimensions, h.*
from store.holdings_of('tested_revisions') as h
join tested_series as s using (series_id);

create or replace temp table tested_holdings as
from store.threshold_holdings_of('tested_thresholds', 'tested_observed')
where unreported_period_end is null;

create or replace temp table remaining_thresholds as
from tested_thresholds
where not $removes or set_by <> 'tested';

create or replace temp table back_test as
with tested as (
    from store.evaluate_shown('remaining_thresholds', 'tested_holdings')
),
today as (
    from store.evaluate_shown('today_thresholds', 'tested_holdings')
)
select
    coalesce(n.mission, d.mission) as mission,
    coalesce(n.dimensions, d.dimensions) as dimensions,
    coalesce(n.period_start, d.period_start) as period_start,
    coalesce(n.period_end, d.period_end) as period_end,
    coalesce(n.value, d.value) as value,
    n.excess,
    coalesce(n.set_by = 'tested', false) as is_tested,
    coalesce(n.is_breach, false) as fires,
    coalesce(d.is_breach, false) as fires_today,
    coalesce(n.holds_until, d.holds_until) is null as is_newest
from tested as n
full join today as d using (mission, dimensions, holds_from);

-- Earlier periods of a series are those that ended before, of the same length within the days by which months differ. They are
-- counted only for rare events, with an inner join: an outer join with these inequalities would compare every pair.
with earlier as (
    select t.mission, t.dimensions, t.period_start, t.period_end, avg(e.value) as earlier_mean, count(*) as earlier_count
    from back_test as t
    join back_test as e using (mission, dimensions)
    where $is_rare
        and e.period_end < t.period_start
        and abs((e.period_end - e.period_start) - (t.period_end - t.period_start)) <= 4
    group by all
)
select
    t.mission, t.dimensions, t.period_start, t.period_end, t.value, t.excess, t.is_tested, t.fires, t.fires_today, t.is_newest,
    e.earlier_mean, coalesce(e.earlier_count, 0) as earlier_count
from back_test as t
left join earlier as e using (mission, dimensions, period_start, period_end)
order by t.fires desc, t.period_end desc, t.excess desc, t.mission, t.dimensions::varchar
