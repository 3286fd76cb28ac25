-- A row is a mission: active, closed, or ALL (peacekeeping as a whole).
select *, mission as key
from missions
