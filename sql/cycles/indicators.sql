-- A row is an indicator with the missions that were expected to report it in the prepared cycle, did, and did not.
with reported as (
    select indicator, mission, bool_or(status not in ('O', 'L', 'V')) as has_value
    from cycle_observations
    where not is_stale
    group by all
),
received as (
    select indicator, list(mission) as missions, list(mission) filter (where has_value) as reporters
    from reported
    group by all
),
-- The missions that were open on the last day of the cycle, which is the date of as_of here.
expected as (
    select indicator, list(mission order by mission_ordinal) as missions
    from store.expected_missions
    where is_open_on(status, opened_on, closed_on, as_of_date())
    group by indicator
),
begun as (
    select distinct indicator
    from cycle_observations
)
select
    i.priority, i.indicator, i.title, i.description, i.unit, i.better, i.source, i.metric,
    coalesce(e.missions, []) as expected_missions,
    list_filter(coalesce(e.missions, []), lambda mission: list_contains(coalesce(s.reporters, []), mission)) as reporters,
    list_filter(coalesce(e.missions, []), lambda mission: not list_contains(coalesce(s.missions, []), mission)) as unreported_missions,
    b.indicator is not null as has_begun
from store.current_indicators as i
left join expected as e using (indicator)
left join received as s using (indicator)
left join begun as b using (indicator)
order by i.ordinal
