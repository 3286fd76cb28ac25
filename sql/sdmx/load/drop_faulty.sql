-- Faulty rows are not checked further: each of their cells would be reported again.
delete from sdmx_rows
where file_row in (select file_row from load_errors where file_ordinal = $file_ordinal)
