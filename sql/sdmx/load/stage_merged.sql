-- Stage the rows that merge (M) or replace (R) an observation. A merge leaves what is empty as it is.
insert into staged by name
with current_values as (
    select
        k.rowid as key_number, s.mission, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note
    from store.series as s
    join sdmx_keys as k on k."INDICATOR" = s.indicator and k.dimensions = s.dimensions and not k.is_deletion
    join store.current_revisions as o using (series_id)
),
written as (
    select
        r.file_row, r.is_replacement, k.rowid as key_number,
        coalesce(r."INDICATOR", '') as indicator, coalesce(r."MISSION", '') as mission, k.dimensions,
        p.period_start, p.period_end,
        {value} as value,
        if(value is null, {value_text}, null) as value_text,
        r."OBS_STATUS" as status, r."SOURCE_DETAIL" as source, r."SOURCE_PAGE" as page, r."COMMENT_OBS" as note
    from sdmx_rows as r
    join sdmx_keys as k on {same_key}
    join sdmx_periods as p
        on p."TIME_PERIOD" = r."TIME_PERIOD" and p."REPORTING_YEAR_START_DAY" is not distinct from r."REPORTING_YEAR_START_DAY"
    where not r.is_deletion
),
merged as (
    select
        w.* exclude (value, status, source, page, note),
        -- A status without a value replaces the value too.
        if(
            w.value is null and w.value_text is null and not w.is_replacement and coalesce(w.status, '') not in ('O', 'L', 'M'),
            c.value, w.value
        ) as value,
        coalesce(
            w.status,
            if(w.is_replacement or c.status in ('O', 'L', 'M') and w.value is not null, null, c.status),
            if(w.value is null and w.value_text is null, '', 'A')
        ) as status,
        coalesce(w.source, if(w.is_replacement, null, c.source), '') as source,
        coalesce(w.page, if(w.is_replacement, null, c.page)) as page,
        coalesce(w.note, if(w.is_replacement, null, c.note)) as note
    from written as w
    -- The number of the key and not its dimensions: a join on a map takes as long as the rest.
    left join current_values as c using (key_number, mission, period_start, period_end)
)
select $file_ordinal as file_ordinal, * exclude (is_replacement, key_number)
from merged;
