-- A row is a period: the printed recipients of risk education, rounded to the thousand, against the sum over missions.
with totals as (
    select period_start, period_end, value
    from observations
    where indicator = 'explosive_risk_education_recipients' and mission = 'ALL' and value is not null
),
missions_added as (
    select period_start, period_end, sum(value) as value
    from observations
    where indicator = 'explosive_risk_education_recipients' and mission <> 'ALL'
    group by period_start, period_end
    having count(value) > 0 and bool_and(status not in ('M', 'U'))
)
select
    'explosive_risk_education_recipients_'
    || strftime(t.period_start, '%Y_%m_%d') || '_' || strftime(t.period_end, '%Y_%m_%d') as check_name,
    t.value as expected,
    m.value as computed,
    500::double as tolerance,
    'printed total, rounded to the thousand, against the sum over missions, printed as lower bounds' as note
from totals as t
join missions_added as m using (period_start, period_end)
