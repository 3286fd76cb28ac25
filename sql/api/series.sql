-- A row is a series with the first and last day of its observations and their number.
with matching as not materialized (
    select series_id, indicator, mission, dimensions
    from store.series
    where ($indicator::varchar[] is null or list_contains($indicator::varchar[], indicator))
        and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
        and ($dimension::varchar[] is null or has_dimensions(dimensions, $dimension::varchar[]))
        -- A series has a current value from its first observation on, which may be null.
        and series_id in (select series_id from store.latest_observations)
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
keyed as (
    select s.*, concat_ws('|', indicator, mission, dimensions) as key
    from matching as s
    join places as p using (indicator, mission)
    where p.series_before <= $limit::bigint
),
paged as (
    select *
    from keyed
    where $cursor::varchar is null or key > $cursor::varchar
    order by key
    limit $limit::bigint + 1
)
select
    p.indicator, p.mission, p.dimensions, i.metric, min(o.period_start) as first_day, max(o.period_end) as last_day,
    count(*) as observations, p.key
from store.current_revisions as o
join paged as p using (series_id)
left join indicators as i using (indicator)
where o.period_end <= as_of_date() and o.series_id in (select series_id from paged)
group by all
