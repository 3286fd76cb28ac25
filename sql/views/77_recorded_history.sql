-- Series of /metrics that are valid from the instant of their recording: thresholds, and the reconciliation of printed totals.

-- Limits with the time of their validity.
create or replace view store.limits as
with versions as (
    select
        metric, mission, dimensions, comparison, severity, limit_value, note, set_by, recorded_at,
        lead(recorded_at, 1, 'infinity'::timestamptz) over (
            partition by metric, mission, dimensions, comparison, severity
            order by recorded_at
        ) as ended_at
    from store.thresholds
    where recorded_at <= known_at_time()
)
select *
from versions
where limit_value is not null;

comment on view store.limits is 'A row is a limit, with the time from which and until which it was valid.';

-- The limit that governs a series for a comparison and severity, while the limit is valid and the series has a value.
-- `observed` names the view holdings, or a table of those of every metric that ever had a threshold.
create or replace macro store.limit_history(observed) as table
with intervals as (
    select metric, mission, dimensions, holds_from, coalesce(holds_until, 'infinity'::date) as holds_until
    from store.threshold_holdings_of('store.limits', observed)
),
numbered as (
    select
        *,
        count(*) filter (where has_gap) over (partition by metric, mission, dimensions order by holds_from) as segment
    from (
        select
            *,
            holds_from is distinct from lag(holds_until) over (
                partition by metric, mission, dimensions
                order by holds_from
            ) as has_gap
        from intervals
    )
),
shown as materialized (
    select
        metric, mission, dimensions,
        starts_to_hold(min(holds_from)) as starts, starts_to_hold(max(holds_until)) as ends
    from numbered
    group by metric, mission, dimensions, segment
),
matching as materialized (
    select m.*, v.ended_at
    from store.matching_thresholds('store.limits', shown) as m
    join store.limits as v
        on v.metric = m.metric and v.mission = m.threshold_mission and v.dimensions = m.threshold_dimensions
        and v.comparison = m.comparison and v.severity = m.severity and v.recorded_at = m.set_at
),
turns as (
    select
        *,
        lead(starts, 1, 'infinity'::timestamptz) over (
            partition by metric, mission, dimensions, comparison, severity
            order by starts
        ) as ends
    from (
        select distinct metric, mission, dimensions, comparison, severity, unnest([set_at, ended_at]) as starts
        from matching
    )
),
governing as (
    select
        t.metric, t.mission, t.dimensions, t.comparison, t.severity, t.starts, t.ends,
        arg_max(m.limit_value, m.precedence) as value
    from turns as t
    join matching as m using (metric, mission, dimensions, comparison, severity)
    where m.set_at <= t.starts and m.ended_at > t.starts
    group by all
)
select
    g.metric, g.mission, g.dimensions, g.comparison, g.severity, g.value,
    greatest(g.starts, s.starts) as starts, least(g.ends, s.ends) as ends
from governing as g
join shown as s using (metric, mission, dimensions)
where g.starts < s.ends and g.ends > s.starts;

-- Whether each printed total agreed with its parts, from one run of the comparisons until the next.
create or replace view store.reconciliation_history as
with runs as (
    select recorded_at, lead(recorded_at, 1, 'infinity'::timestamptz) over (order by recorded_at) as ended_at
    from (select distinct recorded_at from store.reconciliation_runs)
    where recorded_at <= known_at_time()
)
select c.check_name, r.recorded_at, r.ended_at, bool_and(c.agrees) as agrees
from store.reconciliations as c
join runs as r using (recorded_at)
group by all;

comment on view store.reconciliation_history is 'A row is the result of the comparison of a printed total with its parts, from one run until the next.';

create or replace macro store.recorded_history(observed) as table
select
    'a4p_threshold' as metric,
    map_concat(
        map {'metric': metric, 'mission': mission}, dimensions, map {'comparison': comparison, 'severity': severity}
    ) as labels,
    starts, ends, value
from store.limit_history(observed)
union all
select 'a4p_reconciliation_agrees', map {'check': check_name}, recorded_at, ended_at, agrees::integer
from store.reconciliation_history;
