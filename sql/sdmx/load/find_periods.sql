-- A row of sdmx_periods is a TIME_PERIOD of a file, with its first and last day, null if it cannot be read.
create or replace temp table sdmx_periods as
with written as (
    select distinct "TIME_PERIOD", "REPORTING_YEAR_START_DAY"
    from sdmx_rows
    where "TIME_PERIOD" is not null
),
parsed as (
    select
        *,
        regexp_full_match("TIME_PERIOD", '\d{4}-[ASTQM]\d{1,2}') as is_reporting_period,
        sdmx_period(
            "TIME_PERIOD",
            if(regexp_full_match("REPORTING_YEAR_START_DAY", '--\d\d-\d\d'), "REPORTING_YEAR_START_DAY", null)
        ) as period
    from written
)
select
    row_number() over () as period_number, "TIME_PERIOD", "REPORTING_YEAR_START_DAY", is_reporting_period,
    period.first as period_start, period.last as period_end,
    coalesce(period_start between date '1900-01-01' and date '2999-12-31', false)
    and coalesce(period_end between date '1900-01-01' and date '2999-12-31', false) as is_valid
from parsed;
