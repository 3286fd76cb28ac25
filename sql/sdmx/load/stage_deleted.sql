-- Stage the observations that a row deletes (D): a revision with status O and no value, or without the attributes that are marked.
-- Dimensions that are empty match every value. An observation that is missing already is left out.
insert into staged by name
with requested as (
    select
        r.file_row, r."INDICATOR" as written_indicator, r."MISSION" as written_mission, k.dimensions, p.period_start, p.period_end, r."TIME_PERIOD",
        r."OBS_VALUE" is not null or coalesce(r."SOURCE_PAGE", r."COMMENT_OBS") is null as is_whole,
        r."SOURCE_PAGE" is not null as deletes_page,
        r."COMMENT_OBS" is not null as deletes_note
    from sdmx_rows as r
    join sdmx_keys as k on {same_key}
    left join sdmx_periods as p
        on p."TIME_PERIOD" = r."TIME_PERIOD" and p."REPORTING_YEAR_START_DAY" is not distinct from r."REPORTING_YEAR_START_DAY"
    where r.is_deletion and k.fault is null
),
matched as (
    select r.* exclude (dimensions), s.indicator, s.mission, s.series_id, s.dimensions as found_dimensions
    from requested as r
    join store.series as s
        on (r.written_indicator is null or r.written_indicator = s.indicator)
        and (r.written_mission is null or r.written_mission = s.mission)
        and (r.dimensions is null or list_has_all(map_entries(s.dimensions), map_entries(r.dimensions)))
    where s.indicator in (select indicator from indicators)
),
deleted as (
    select
        m.file_row, m.indicator, m.mission, m.found_dimensions as dimensions, o.period_start, o.period_end,
        if(m.is_whole, null, o.value) as value,
        if(m.is_whole, 'O', o.status) as status,
        o.source,
        if(m.deletes_page, null, o.page) as page,
        if(m.deletes_note, null, o.note) as note
    from matched as m
    join store.current_revisions as o
        on o.series_id = m.series_id
        and (m."TIME_PERIOD" is null or o.period_start = m.period_start and o.period_end = m.period_end)
    where not (m.is_whole and o.status = 'O' and o.value is null)
    qualify row_number() over (partition by o.series_id, o.period_start, o.period_end order by m.file_row) = 1
)
select $file_ordinal as file_ordinal, *
from deleted;
