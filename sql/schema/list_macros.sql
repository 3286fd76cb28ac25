-- A row is a table macro that users call.
select function_name, parameters, comment
from duckdb_functions()
where not internal and schema_name = 'main' and function_type = 'table_macro' and comment is not null
order by function_name;
