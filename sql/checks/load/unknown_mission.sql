-- A row names a mission that the catalogue lacks.
select
    s.file_ordinal, s.file_row, 'mission' as column_name, s.mission as value,
    'is not a known mission' as problem,
    nearest_name(upper(s.mission), (select list(mission) from missions)) as mend
from staged as s
semi join (
    select mission from staged_series
    anti join missions using (mission)
) as unknown on unknown.mission = s.mission
