-- A row does not say where its figure comes from.
select
    file_ordinal, file_row, 'source' as column_name, source as value,
    'is missing' as problem, 'name the document the figure comes from' as mend
from staged
where source is null or trim(source) = ''
