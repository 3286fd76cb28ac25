-- A row is a fault of a row of a file that only SDMX has. The checks of sql/checks/load find the others.
insert into load_errors by name
with numbered as (
    select r.*, k.fault, p.period_number, p.is_valid, p.is_reporting_period
    from sdmx_rows as r
    join sdmx_keys as k on {same_key}
    left join sdmx_periods as p
        on p."TIME_PERIOD" = r."TIME_PERIOD" and p."REPORTING_YEAR_START_DAY" is not distinct from r."REPORTING_YEAR_START_DAY"
),
faults as (
    select
        file_row, 'STRUCTURE_ID' as column_name, structure_id as value,
        'is not the structure of these files' as problem, 'write A4P:INDICATORS(1.0)' as fix
    from numbered
    where not is_known_structure
    union all by name
    select
        file_row, 'ACTION' as column_name, action as value, 'is not an action' as problem,
        'use M (merge), R (replace) or D (delete)' as fix
    from numbered
    where action not in ('M', 'R', 'D', 'I', 'A')
    union all by name
    select file_row, fault.component as column_name, fault.code as value, fault.problem, fault.fix
    from numbered
    where fault is not null
    union all by name
    select
        file_row, 'TIME_PERIOD' as column_name, "TIME_PERIOD" as value,
        case
            when "TIME_PERIOD" is null then 'is missing'
            when is_reporting_period then 'is of a reporting year with an unknown start'
            else 'is not a period from 1900 to 2999'
        end as problem,
        case
            when is_reporting_period
                then 'add the column REPORTING_YEAR_START_DAY with --05-01, or write the period like 2023-11-01/P6M'
            else 'write it like 2023-11-01/P6M or 2023'
        end as fix
    from numbered
    where if("TIME_PERIOD" is null, not is_deletion, not is_valid)
    union all by name
    select
        file_row, if("SOURCE_DETAIL" is not null, 'SOURCE_DETAIL', 'OBS_STATUS') as column_name,
        coalesce("SOURCE_DETAIL", "OBS_STATUS") as value,
        'cannot be deleted without the observation' as problem,
        'write - for OBS_VALUE too, or leave all values and attributes empty' as fix
    from numbered
    where is_deletion and "OBS_VALUE" is null and coalesce("SOURCE_DETAIL", "OBS_STATUS") is not null
    union all by name
    select
        r.file_row, 'INDICATOR' as column_name, r."INDICATOR" as value, 'is not in the catalogue' as problem,
        'see the codelist CL_INDICATOR' as fix
    from numbered as r
    where r.is_deletion and r."INDICATOR" is not null and r."INDICATOR" not in (select indicator from indicators)
    union all by name
    select
        r.file_row, 'MISSION' as column_name, r."MISSION" as value, 'is not a known mission' as problem,
        'see the codelist CL_MISSION' as fix
    from numbered as r
    where r.is_deletion and r."MISSION" is not null and r."MISSION" not in (select mission from missions)
)
select $file_ordinal as file_ordinal, *
from faults;
