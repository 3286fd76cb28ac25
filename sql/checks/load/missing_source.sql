-- A row does not say where its figure comes from.
select
    file_ordinal, file_row, 'source' as column_name, source as value,
    'is missing' as problem, 'name the document with the value' as fix
from staged
where source is null or trim(source) = ''
