-- A row is a priority, in the order of their numbers, or a cross-cutting theme.
select *, format('{:03d}|{}', coalesce(number, 999), priority) as key
from priorities
