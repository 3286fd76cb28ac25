-- A row is a text that cannot be read, with the first row that has it.
select
    min(file_row) as first_row, field, written,
    problem || if(count(*) > 1, format(' ({:,} rows, this is the first)', count(*)), '') as problem
from unreadable_cells
group by field, written, unreadable_cells.problem
order by first_row, field
limit $limit
