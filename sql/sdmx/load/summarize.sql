-- The one row counts the staged observations of a file, those that it deletes, its deletions without an observation, and its actions I and A.
select
    (select count(*) from staged where file_ordinal = $file_ordinal) as observations,
    (select count(*) from staged as s join sdmx_rows as r using (file_row) where s.file_ordinal = $file_ordinal and r.is_deletion) as deletions,
    (
        select count(*)
        from sdmx_rows
        where is_deletion and file_row not in (select file_row from staged where file_ordinal = $file_ordinal)
    ) as unmatched,
    (select count(*) from sdmx_rows where action in ('I', 'A')) as deprecated
