-- M means not applicable in SDMX, and meant missing before release 0.2: for a cell that is expected, the file has to say which.
select
    file_ordinal, file_row, 'status' as column_name, status as value,
    'means not applicable, but the mission is expected to report this indicator' as problem,
    'write O for a missing value; if M means not applicable, load with --status-codes sdmx' as fix
from staged
where status = 'M' and value is null and value_text is null and coalesce(getvariable('status_codes'), '') <> 'sdmx'
    and (indicator, mission) in (select (indicator, mission) from store.expected_missions)
    and file_ordinal not in (select file_ordinal from staged_files where has_sdmx_codes)
