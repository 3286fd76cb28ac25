-- A row is one bench series: indicators x missions x contingents x ten trainings, numbered from 1 in the order of their names.
with numbers as (
    select n, n // $per_mission as place
    from range($series) as numbers(n)
)
select
    (n + 1)::integer as series_id,
    $indicators[1 + place // len($missions)] as indicator,
    $missions[1 + place % len($missions)] as mission,
    map {
        'contingent': $contingents[1 + n // len($trainings) % len($contingents)],
        'training': $trainings[1 + n % len($trainings)]
    } as dimensions
from numbers
