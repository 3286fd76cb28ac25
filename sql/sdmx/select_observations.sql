-- A row is an observation, or a revision of one, with the components of the data structure. Series that the current catalogue
-- does not define are left out, because the structure has no code for them.
-- service/sdmx/data.py inserts the columns of the disaggregations, and current_revisions.sql or all_revisions.sql.
with series as materialized (
    select
        s.series_id as _series_id,
        row_number() over (order by i.ordinal, m.ordinal, s.dimensions::varchar) as _series_order,
        sdmx_frequency(i.frequency) as "FREQ",
        s.indicator as "INDICATOR",
        s.mission as "MISSION",
        {dimensions}
        sdmx_unit(i.unit) as "UNIT_MEASURE",
        '0' as "UNIT_MULT"
    from store.series as s
    join store.current_indicators as i using (indicator)
    join store.current_missions as m using (mission)
    where list_sort(map_keys(s.dimensions)) = list_sort(map_keys(i.dimensions))
        and coalesce(list_bool_and(list_transform(
            map_entries(s.dimensions), lambda entry: list_contains(i.dimensions[entry.key], entry.value)
        )), true)
),
revisions as (
    {revisions}
),
-- Writing a period takes longer than joining it, and there are few of them.
periods as materialized (
    select period_start, period_end, sdmx_time_period(period_start, period_end) as "TIME_PERIOD"
    from (select distinct period_start, period_end from store.observations)
)
select
    s.* exclude (_series_id),
    p."TIME_PERIOD", r.period_start as _period_start, r.period_end as _period_end, r.value as _value,
    sdmx_number(r.value) as "OBS_VALUE",
    r.status as "OBS_STATUS",
    r.source as "SOURCE_DETAIL",
    r.page as "SOURCE_PAGE",
    r.note as "COMMENT_OBS",
    r.recorded_at as _recorded_at,
    strftime(r.recorded_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as "VALID_FROM",
    strftime(r.valid_until at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as "VALID_TO"
from revisions as r
join series as s on s._series_id = r.series_id
join periods as p on p.period_start = r.period_start and p.period_end = r.period_end
