-- A row is a mission of the catalogue.
select mission as id, name
from store.current_missions
order by ordinal
