-- A row is a row of a file without an error so far.
select *
from sdmx_rows
where file_row not in (select file_row from load_errors where file_ordinal = $file_ordinal)
