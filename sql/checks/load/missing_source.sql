-- A row has no source.
select
    file_ordinal, file_row, 'source' as column_name, source as value,
    'is missing' as problem, 'name the document with the value' as fix
from staged
where source is null or trim(source) = ''
