-- One row with counts of the contents of the warehouse, for the requested as-of date and known-at instant.
with observed as (
    select count(*) as observations, min(period_start) as first_day, max(period_end) as last_day
    from store.current_revisions
    where period_end <= as_of_date()
),
recorded as (
    select count(*) filter (where period_end <= as_of_date()) as revisions, max(recorded_at) as newest_recorded_at
    from store.observations
    where recorded_at <= known_at_time()
),
current_values as (
    select
        count(distinct l.indicator) filter (where l.value is not null) as reported,
        count(*) filter (where l.status in ('O', 'L')) as missing,
        count(*) filter (where l.status = 'V') as under_validation,
        -- The ended series of closed missions are not counted.
        count(*) filter (where l.status = 'M' and m.status is distinct from 'closed') as not_applicable
    from latest as l
    left join missions as m using (mission)
)
select
    (select count(*) from indicators) as indicators,
    v.reported,
    (select count(*) from kpis) as kpis,
    (select count(*) from missions where status <> 'aggregate' and is_open_on(status, opened_on, closed_on, as_of_date())) as missions,
    o.observations, r.revisions - o.observations as earlier_revisions, o.first_day, o.last_day, r.newest_recorded_at,
    (select max(cycle) from cycles where period_end <= as_of_date()) as cycle,
    v.missing, v.under_validation, v.not_applicable
from observed as o, recorded as r, current_values as v
