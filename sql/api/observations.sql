-- A row is the current revision of an observation whose period has ended; with $revisions, any of its revisions.
with selected as (
    select *, concat_ws('|', indicator, mission, dimensions) as series_key
    from store.series
    where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
        and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
        and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
),
-- All keys of a series sort before its series key with '|~'. This skips whole series before the cursor.
remaining as (
    select *
    from selected
    where $cursor::varchar is null or series_key || '|~' > $cursor::varchar
),
recorded as (
    select rowid as row_number, series_id, period_start, period_end, batch_id, status
    from store.observations
    where series_id in (select series_id from remaining)
        and recorded_at <= known_at_time()
        and period_end <= as_of_date()
        and ($from::date is null or period_start >= $from::date)
        and ($to::date is null or period_end <= $to::date)
),
current_rows as (
    select arg_max(row_number, batch_id) as row_number
    from recorded
    where not $revisions
    group by series_id, period_start, period_end
),
keyed as (
    select
        r.row_number,
        concat_ws('|', s.series_key, r.period_end, r.period_start, format('{:09d}', r.batch_id)) as key
    from recorded as r
    join remaining as s using (series_id)
    where ($revisions or r.row_number in (select row_number from current_rows))
        and ($status::varchar[] is null or list_contains($status::varchar[], r.status))
),
-- Read all columns only of the rows of the page.
paged as (
    select *
    from keyed
    where $cursor::varchar is null or key > $cursor::varchar
    order by key
    limit $limit::bigint + 1
)
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note, o.batch_id,
    write_rfc3339(o.recorded_at) as recorded_at, p.key
from store.observations as o
join paged as p on p.row_number = o.rowid
join store.series as s using (series_id)
