-- The one row is whether a row of a file can have a fault of list_faults.sql, which takes longer to find.
select
    exists (from sdmx_keys where fault is not null)
    or exists (from sdmx_periods where not is_valid)
    or exists (
        from sdmx_rows
        where is_deletion or not is_known_structure or "TIME_PERIOD" is null or action not in ('M', 'R', 'I', 'A')
    ) as may_have_faults
