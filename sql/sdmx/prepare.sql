-- Macros of the session, so that read copies of earlier releases can be read too.
-- The SDMX code of a text: its letters, digits and hyphens, _ for a space and $ with two hexadecimal digits for any other byte.
create or replace temp macro sdmx_code(text) as
    replace(replace(replace(replace(replace(url_encode(text), '_', '$5F'), '.', '$2E'), '~', '$7E'), '%20', '_'), '%', '$');

-- TIME_PERIOD of a period: its first day and its length in years, months or days, such as 2023-11-01/P6M.
create or replace temp macro sdmx_time_period(period_start, period_end) as
    period_start::varchar || '/P' || case
        when day(period_start) <> day(period_end + 1) then (period_end + 1 - period_start)::varchar || 'D'
        when date_diff('month', period_start, period_end + 1) % 12 = 0
            then (date_diff('month', period_start, period_end + 1) // 12)::varchar || 'Y'
        else date_diff('month', period_start, period_end + 1)::varchar || 'M'
    end;

-- A code of SDMX CL_FREQ.
create or replace temp macro sdmx_frequency(frequency) as
    case frequency when 'half_yearly' then 'S' when 'annual' then 'A' else '_O' end;

-- A number without superfluous digits: 40 and not 40.0.
create or replace temp macro sdmx_number(value) as
    case when value = trunc(value) and abs(value) < 9007199254740992 then value::bigint::varchar else value::varchar end;

-- A code of A4P:CL_UNIT_MEASURE. The codes of the same meaning in IAEG-SDGs:CL_UNIT_MEASURE and UNECE Recommendation 20 are used.
create or replace temp macro sdmx_unit(unit) as
    case unit
        when 'count' then 'NUMBER' when 'ratio' then 'RO' when 'boolean' then 'BOOL' when 'days' then 'DAYS'
        when 'meters' then 'MTR' when 'square_meters' then 'MTK' else upper(unit)
    end;

-- Months of a reporting period, by its letter.
create or replace temp macro sdmx_months(letter) as
    case letter when 'A' then 12 when 'S' then 6 when 'T' then 4 when 'Q' then 3 when 'M' then 1 end;

-- The first and last day of a period of whole months and days.
create or replace temp macro sdmx_span(first_day, months, days) as
    {'first': first_day, 'last': (first_day + to_months(months) + to_days(days - 1))::date};

-- The first and last day of a TIME_PERIOD, or null: 2023-11-01/P6M, 2023-11-01/2024-04-30 (both inclusive), 2023, 2023-11, 2023-11-01,
-- and reporting periods such as 2023-S2, where `year_start` is the first day of the reporting year, such as --05-01.
create or replace temp macro sdmx_period(written, year_start) as
    case
        when regexp_full_match(written, '\d{4}-\d\d-\d\d(T00:00:00)?/P(\d{1,3}Y)?(\d{1,4}M)?(\d{1,5}D)?') and not ends_with(written, 'P')
            then sdmx_span(
                try_cast(written[:10] as date),
                coalesce(try_cast(regexp_extract(written, '(\d+)Y', 1) as integer), 0) * 12
                + coalesce(try_cast(regexp_extract(written, '(\d+)M', 1) as integer), 0),
                coalesce(try_cast(regexp_extract(written, '(\d+)D', 1) as integer), 0)
            )
        when regexp_full_match(written, '\d{4}-\d\d-\d\d(T00:00:00)?/\d{4}-\d\d-\d\d(T00:00:00)?') then {
            'first': try_cast(written[:10] as date), 'last': try_cast(split_part(written, '/', 2)[:10] as date)
        }
        when regexp_full_match(written, '\d{4}') then sdmx_span(try_cast(written || '-01-01' as date), 12, 0)
        when regexp_full_match(written, '\d{4}-\d\d') then sdmx_span(try_cast(written || '-01' as date), 1, 0)
        when regexp_full_match(written, '\d{4}-\d\d-\d\d(T00:00:00)?') then sdmx_span(try_cast(written[:10] as date), 0, 1)
        when regexp_full_match(written, '\d{4}-(A1|S[12]|T[123]|Q[1-4]|M(0[1-9]|1[0-2]))') then sdmx_span(
            (
                try_cast(written[:4] || year_start[2:] as date)
                + to_months((written[7:]::integer - 1) * sdmx_months(written[6]))
            )::date,
            sdmx_months(written[6]), 0
        )
    end;
