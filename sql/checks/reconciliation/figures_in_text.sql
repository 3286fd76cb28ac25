-- A row compares a figure in the text of the report on cycle 5 with the loaded value from a chart, table or heading.
with repeated as (
    select *
    from (
        values
            ('conduct_trainings', '', date '2023-11-01', date '2024-04-30', 'cycle_5', 914),
            ('conduct_trainings', '', date '2023-05-01', date '2023-10-31', 'cycle_4', 511),
            ('senior_leaders_trained_ratio', '', date '2023-05-01', date '2024-04-30', 'cycle_5', 0.24),
            ('women_in_senior_leadership_ratio', '', date '2024-04-30', date '2024-04-30', '2024', 0.37),
            ('fatalities_by_cause_ratio', 'Illness', date '2017-01-01', date '2024-09-03', '2024', 0.55),
            ('fatalities_by_cause_ratio', 'Malicious act', date '2017-01-01', date '2024-09-03', '2024', 0.27),
            ('serious_misconduct_allegations', '', date '2023-01-01', date '2023-12-31', '2023', 364)
    ) as v(indicator, part, period_start, period_end, named, printed)
),
loaded as (
    select indicator, coalesce(map_values(dimensions)[1], '') as part, period_start, period_end, value
    from observations
    where mission = 'ALL' and value is not null
)
select
    'text_' || r.indicator || if(r.part = '', '', '_' || replace(lower(r.part), ' ', '_')) || '_' || r.named as check_name,
    r.printed::double as expected,
    l.value as computed,
    0.0001::double as tolerance,
    'figure in the text compared with the chart, table or heading' as note
from repeated as r
join loaded as l using (indicator, part, period_start, period_end)
