-- A row compares the printed share of a cause of impaired care in UNMISS in cycle 5 (page 9) with the days.
with printed as (
    select *
    from (values ('Equipment', 0.815), ('Personnel', 0.099)) as v(cause, printed_ratio)
),
outages as (
    select dimensions['cause'] as cause, value / (period_end - period_start + 1) as share
    from observations
    where indicator = 'hospital_outage_days'
        and mission = 'UNMISS'
        and period_start = date '2023-11-01'
        and period_end = date '2024-04-30'
        and value is not null
)
select
    'hospital_outage_ratio_' || lower(cause) || '_unmiss_cycle_5' as check_name,
    p.printed_ratio::double as expected,
    o.share as computed,
    0.0005::double as tolerance,
    'printed percentage of the last 6 months compared with days over the 182 days of the cycle; it matches a base of 303 days' as note
from printed as p
join outages as o using (cause)
