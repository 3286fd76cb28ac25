-- A row is an observation whose period had ended, in its current revision; or, with $revisions, one of its revisions.
with wanted as (
    select series_id, indicator, mission, dimensions
    from store.series
    where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
        and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
        and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
),
recorded as (
    select
        s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
        o.batch_id, o.recorded_at
    from store.observations as o
    join wanted as s using (series_id)
    where o.recorded_at <= known_at_time()
        and o.period_end <= as_of_date()
        and ($from::date is null or o.period_start >= $from::date)
        and ($to::date is null or o.period_end <= $to::date)
    qualify $revisions
        or row_number() over (partition by o.series_id, o.period_start, o.period_end order by o.batch_id desc) = 1
)
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    concat_ws('|', indicator, mission, dimensions, period_end, period_start, format('{:09d}', batch_id)) as key
from recorded
where $status::varchar[] is null or list_contains($status::varchar[], status)
