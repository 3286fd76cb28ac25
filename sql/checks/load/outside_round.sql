-- A row of a submission belongs to another mission, or its period does not end in the cycle of the round.
-- The variables are set for submissions only.
select
    file_ordinal, file_row, 'mission' as column_name, mission as value,
    'is not the mission of this submission' as problem,
    'submit values of ' || mission || ' in its own round, or write ' || getvariable('round_mission') as fix
from staged
where getvariable('round_mission') is not null and mission <> getvariable('round_mission')
union all
select
    file_ordinal, file_row, 'period_end', period_end::varchar,
    'is not in cycle ' || getvariable('round_cycle') || ', ' || getvariable('round_start') || ' to ' || getvariable('round_end'),
    'submit this period in the round of its own cycle'
from staged
where getvariable('round_mission') is not null and period_end is not null
    and period_end not between getvariable('round_start')::date and getvariable('round_end')::date
