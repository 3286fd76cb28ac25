-- A row is the current revision of an observation whose period has ended; with $revisions, any of its revisions.
with recorded as not materialized (
    select series_id, period_start, period_end, batch_id, status
    from store.current_revisions
    where not $revisions
    union all
    select series_id, period_start, period_end, batch_id, status
    from store.observations
    where $revisions and recorded_at <= known_at_time()
),
selected as not materialized (
    from recorded
    where period_end <= as_of_date()
        and ($from::date is null or period_start >= $from::date)
        and ($to::date is null or period_end <= $to::date)
        and ($status::varchar[] is null or list_contains($status::varchar[], status))
),
matching as not materialized (
    select *
    from store.series
    where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
        and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
        and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
        and series_id in (
            -- A series has a current value from its first observation on, which may be null.
            select series_id
            from store.latest_observations
            where coalesce($from::date, $to::date) is null and $status::varchar[] is null
            union all
            select series_id
            from selected
            where coalesce($from::date, $to::date) is not null or $status::varchar[] is not null
        )
),
-- The key of a series begins with those of its indicator and mission. Only those are read that the page can need: the others begin
-- after as many rows as it has, not counting the indicator and mission of the cursor.
places as (
    select indicator, mission, sum(series_count) over (order by beginning) - series_count as series_before
    from (
        select
            indicator, mission, concat_ws('|', indicator, mission, '') as beginning,
            if(beginning <= $cursor::varchar, 0, count(*)) as series_count
        from matching
        where $cursor::varchar is null or concat_ws('|', indicator, mission, '~') > $cursor::varchar
        group by indicator, mission
    )
),
-- Every series has a row, so that of those after the cursor as many as rows are enough. All keys of a series sort before its series
-- key with '|~'; that of the cursor may have no further row.
remaining as (
    select s.*, concat_ws('|', indicator, mission, dimensions) as series_key
    from matching as s
    join places as p using (indicator, mission)
    where p.series_before <= $limit::bigint
        and ($cursor::varchar is null or concat_ws('|', indicator, mission, dimensions, '~') > $cursor::varchar)
    order by series_key
    limit $limit::bigint + 2
),
keyed as (
    select
        o.series_id, o.period_start, o.period_end, o.batch_id,
        concat_ws('|', s.series_key, o.period_end, o.period_start, format('{:09d}', o.batch_id)) as key
    from selected as o
    join remaining as s using (series_id)
    where o.series_id in (select series_id from remaining)
),
paged as (
    select *
    from keyed
    where $cursor::varchar is null or key > $cursor::varchar
    order by key
    limit $limit::bigint + 1
)
-- Read all columns only of the rows of the page.
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note, o.batch_id,
    write_rfc3339(o.recorded_at) as recorded_at, p.key
from store.observations as o
join paged as p using (series_id, period_start, period_end, batch_id)
join remaining as s using (series_id)
where o.series_id in (select series_id from paged)
