-- A row is a priority or a cross-cutting theme, ordered by number.
select *, format('{:03d}|{}', coalesce(number, 999), priority) as key
from priorities
