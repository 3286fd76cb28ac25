-- A row is a mission with the numbers of its values, missing values and threshold breaches, and its latest period.
with reported as (
    select
        l.mission, count(distinct l.indicator) as indicators, count(l.value) as value_count,
        count(*) filter (where l.status in ('O', 'L')) as missing,
        count(*) filter (where l.status = 'V') as under_validation,
        count(*) filter (where l.status = 'M') as not_applicable,
        max(l.period_end) as newest_period_end
    from latest as l
    join store.current_indicators as i using (indicator)
    join store.current_missions as m using (mission)
    -- Missions do not report what is counted; a closed mission has nothing else.
    where i.counted_from is null or m.status = 'closed'
    group by l.mission
),
expected as (
    select mission, count(*) as expected
    from store.expected_missions
    where is_open_on(status, opened_on, closed_on, as_of_date())
    group by mission
),
breaches as (
    select mission, count(*) as breaches
    from threshold_breaches
    group by mission
)
select
    m.mission, m.name, m.location, m.has_political_mandate, m.host_agreement, m.status, m.opened_on, m.closed_on,
    coalesce(e.expected, 0) as expected, coalesce(h.indicators, 0) as indicators, coalesce(h.value_count, 0) as value_count,
    coalesce(h.missing, 0) as missing, coalesce(h.under_validation, 0) as under_validation,
    coalesce(h.not_applicable, 0) as not_applicable, h.newest_period_end, coalesce(b.breaches, 0) as breaches
from store.current_missions as m
left join reported as h using (mission)
left join expected as e using (mission)
left join breaches as b using (mission)
order by m.ordinal
