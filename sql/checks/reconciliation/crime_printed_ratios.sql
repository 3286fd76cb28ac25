-- A row compares a printed percentage of crimes against peacekeepers in cycle 5 (page 11) with its counts.
with printed as (
    select *
    from (
        values
            ('crime_investigation_ratio', 'ALL', 0.83, 'crime_cases_investigated', 'crime_cases_reported'),
            ('crime_investigation_ratio', 'MONUSCO', 0.78, 'crime_cases_investigated', 'crime_cases_reported'),
            ('crime_investigation_ratio', 'MINUSCA', 0.87, 'crime_cases_investigated', 'crime_cases_reported'),
            ('crime_investigation_ratio', 'MINUSMA', 0.27, 'crime_cases_investigated', 'crime_cases_reported'),
            ('crime_investigation_ratio', 'UNIFIL', 1.00, 'crime_cases_investigated', 'crime_cases_reported'),
            ('crime_detention_ratio', 'ALL', 0.69, 'crime_suspects_detained', 'crime_suspects_identified'),
            ('crime_detention_ratio', 'MONUSCO', 0.68, 'crime_suspects_detained', 'crime_suspects_identified'),
            ('crime_detention_ratio', 'MINUSCA', 0.71, 'crime_suspects_detained', 'crime_suspects_identified'),
            ('crime_detention_ratio', 'MINUSMA', 1.00, 'crime_suspects_detained', 'crime_suspects_identified'),
            ('crime_detention_ratio', 'UNIFIL', 0.14, 'crime_suspects_detained', 'crime_suspects_identified'),
            ('crime_trial_ratio', 'ALL', 0.67, 'crime_suspects_tried', 'crime_suspects_detained'),
            ('crime_trial_ratio', 'MONUSCO', 0.97, 'crime_suspects_tried', 'crime_suspects_detained'),
            ('crime_trial_ratio', 'MINUSCA', 0.51, 'crime_suspects_tried', 'crime_suspects_detained'),
            ('crime_trial_ratio', 'MINUSMA', 0.23, 'crime_suspects_tried', 'crime_suspects_detained'),
            ('crime_trial_ratio', 'UNIFIL', 1.00, 'crime_suspects_tried', 'crime_suspects_detained'),
            ('crime_conviction_of_identified_ratio', 'ALL', 0.63, 'crime_suspects_convicted', 'crime_suspects_identified'),
            ('crime_conviction_ratio', 'ALL', 0.63, 'crime_suspects_convicted', 'crime_suspects_tried'),
            ('crime_conviction_ratio', 'MONUSCO', 0.89, 'crime_suspects_convicted', 'crime_suspects_tried'),
            ('crime_conviction_ratio', 'MINUSCA', 0.48, 'crime_suspects_convicted', 'crime_suspects_tried'),
            ('crime_conviction_ratio', 'MINUSMA', 1.00, 'crime_suspects_convicted', 'crime_suspects_tried'),
            ('crime_conviction_ratio', 'UNIFIL', 0.00, 'crime_suspects_convicted', 'crime_suspects_tried')
    ) as v(figure, mission, printed_ratio, numerator, denominator)
),
notes as (
    select *
    from (
        values
            ('crime_conviction_of_identified_ratio', 'ALL', 'the text says 63 % of suspects identified; correct is 63 % of suspects tried'),
            ('crime_conviction_ratio', 'ALL', 'printed as 63 % of suspects identified, which is wrong; read as a share of suspects tried'),
            ('crime_trial_ratio', 'UNIFIL', 'printed as 100 %, but the counts are 7 tried and 1 detained')
    ) as v(figure, mission, note)
),
counts as (
    select indicator, mission, value
    from observations
    where mission <> 'ALL' and period_start = date '2013-01-01' and period_end = date '2024-04-30' and value is not null
),
-- The totals in the report exclude MINUSMA: they cover MINUSCA, MONUSCO and UNIFIL.
paired as (
    select
        p.figure, p.mission, p.printed_ratio, p.numerator, p.denominator,
        sum(n.value) as numerator_value, sum(d.value) as denominator_value
    from printed as p
    join counts as n on n.indicator = p.numerator
    join counts as d on d.indicator = p.denominator and d.mission = n.mission
    where n.mission = p.mission or (p.mission = 'ALL' and n.mission <> 'MINUSMA')
    group by all
    having p.mission <> 'ALL' or count(*) = 3
)
select
    p.figure || '_' || lower(p.mission) || '_cycle_5' as check_name,
    p.printed_ratio::double as expected,
    p.numerator_value / nullif(p.denominator_value, 0) as computed,
    -- Slightly more than half a percent: in floating point 0.63 - 0.625 is more than 0.005.
    0.005000001::double as tolerance,
    coalesce(
        n.note,
        'printed percentage compared with ' || p.numerator || ' over ' || p.denominator
        || if(p.mission = 'ALL', ', without MINUSMA', '')
    ) as note
from paired as p
left join notes as n using (figure, mission)
where p.denominator_value > 0
