-- A row is a column of a view that users read.
select v.view_name as relation, v.comment as relation_comment, c.column_name, c.data_type, c.comment as column_comment
from duckdb_views() as v
join duckdb_columns() as c on c.schema_oid = v.schema_oid and c.table_oid = v.view_oid
where not v.internal and v.schema_name = 'main' and not v.temporary
order by v.view_name, c.column_index;
