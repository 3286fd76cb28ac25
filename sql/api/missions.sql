-- A row is a mission: those of today, the closed, and ALL (peacekeeping as a whole).
select *, mission as key
from missions
