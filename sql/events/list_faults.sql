-- A row of event_row_faults is a fault of one row of the export: unreadable, a duplicate or a conflict.
create or replace temp table event_row_faults as
select u.file_row, 'unreadable' as fault, u.event_id, coalesce(c.column_name, ltrim(u.field, '=')) as column_name, u.written, u.problem
from unreadable_cells as u
left join (select unnest($fields::varchar[]) as field, unnest($columns::varchar[]) as column_name) as c using (field)
union all
select
    file_row, 'duplicate', event_id, $id_column, event_id,
    if(is_same, 'repeats row ', 'has other content than row ') || used_row || if(is_same, '', ', which is used')
from duplicate_rows
union all
select
    c.file_row, 'conflict', c.event_id, $update_column, c.updated_at::varchar,
    'has other content than the recorded event updated at the same time; '
    || if(t.wins, 'this row is used', 'the recorded content is used')
from event_changes as c
join event_ties as t using (event_id)
where c.change = 'conflict'
