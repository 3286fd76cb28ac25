-- A row is a numbered series that has the label $name, with the code of its value.
select l.number, v.code
from history_labels as l
join history_values as v using (name, value)
where name = $name
