-- A row compares a figure in a headline on training of the report on cycle 5 (page 5) with the table or panel below.
with headlines as (
    select *
    from (
        values
            ('tpp_trainings', map {'training': 'All'}, 10),
            ('tpp_trainees', map {'training': 'All'}, 143),
            ('tpp_trainees_women_ratio', map {'training': 'All'}, 0.29),
            ('pki_academy_trainees', map {'personnel': 'All'}, 87),
            ('pki_academy_women_ratio', map([]::varchar[], []::varchar[]), 0.20)
    ) as v(indicator, dimensions, headline)
),
reported as (
    select indicator, dimensions, value
    from observations
    where mission = 'ALL' and period_start = date '2023-11-01' and period_end = date '2024-04-30' and value is not null
)
select
    'headline_' || h.indicator || '_cycle_5' as check_name,
    h.headline::double as expected,
    r.value as computed,
    0.0001::double as tolerance,
    'the headline covers May to October 2023: it repeats the previous cycle'
    || if(h.indicator = 'pki_academy_women_ratio', ', or the share did not change', '') as note
from headlines as h
join reported as r using (indicator, dimensions)
