-- A row is a column of a base table of this warehouse, in its order.
select table_name, column_name, data_type, is_nullable
from duckdb_columns()
where schema_name = 'store' and database_name = current_database()
    and table_name in (select table_name from duckdb_tables() where schema_name = 'store' and database_name = current_database())
order by table_name, column_index
