-- A row is a period: the shares of the causes of death must add up to 1.
with causes_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'fatalities_by_cause_ratio'
        and mission = 'ALL'
        and dimensions['cause'] in ('Malicious act', 'Illness', 'Other')
        and value is not null
    group by period_start, period_end
    having count(*) = 3
)
select
    'fatalities_by_cause_ratio_'
    || strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d') as check_name,
    1::double as expected,
    t.value as computed,
    0.015::double as tolerance,
    'the 3 causes must add up to 1; each is rounded to 1 %' as note
from causes_added as t
