-- A row is a duplicate or conflict to show.
select file_row as "row", fault, event_id, column_name as "column", written, problem
from event_row_faults
where fault <> 'unreadable'
order by file_row
limit $limit
