-- A row is an observation of an indicator, the newest first, with the change since the previous period and the replaced revisions:
-- $max_rows rows after the first $skipped. row_count is the number of all rows.
-- Only the rows of the reports that are shown are read and sorted: an indicator can have 1,000,000 observations.
with counted as materialized (
    select g.period_end, g.period_start, g.mission, g.observation_count, m.ordinal
    from store.given_reports as g
    left join store.current_missions as m using (mission)
    where g.indicator = $indicator and ($mission is null or g.mission = $mission) and g.period_end <= as_of_date()
),
shown as materialized (
    select *
    from (
        select
            *, sum(observation_count) over (order by period_end desc, period_start desc, ordinal, mission) - observation_count
                as rows_before
        from counted
    )
    where rows_before < $skipped + $max_rows and rows_before + observation_count > $skipped
),
chosen as (
    select series_id, indicator, mission, dimensions
    from store.series
    where indicator = $indicator and mission in (select mission from shown)
),
newest as (
    select c.*, s.indicator, s.mission, s.dimensions, w.ordinal
    from store.current_revisions as c
    join chosen as s using (series_id)
    join shown as w using (period_end, period_start, mission)
    where c.series_id in (select series_id from chosen) and c.period_end in (select period_end from shown)
),
-- A join finds the places of values: looking for each in the list of all takes a second for 10,000.
labels as (
    select distinct series_id, dimensions, unnest(map_keys(dimensions)) as label, unnest(map_values(dimensions)) as label_value
    from newest
),
places as (
    select l.series_id, list(p.place order by list_position(map_keys(l.dimensions), l.label)) as places
    from labels as l
    left join store.dimension_places as p on p.indicator = $indicator and p.label = l.label and p.label_value = l.label_value
    group by l.series_id
),
sorted as (
    select
        c.indicator, c.mission, c.dimensions, c.* exclude (indicator, mission, dimensions, ordinal),
        name_period(y.cycle, c.period_start, c.period_end) as period, c.ordinal, coalesce(p.places, []) as places
    from newest as c
    left join cycles as y using (period_start, period_end)
    left join places as p using (series_id)
    order by c.period_end desc, c.period_start desc, c.ordinal, places, c.dimensions::varchar
    limit $max_rows
    offset $skipped - coalesce((select min(rows_before) from shown), $skipped)
),
earlier as (
    select
        o.series_id, o.period_start, o.period_end,
        list({
            'value': o.value, 'status': o.status, 'source': o.source, 'page': o.page, 'note': o.note,
            'batch_id': o.batch_id, 'recorded_at': o.recorded_at
        } order by o.batch_id desc) as revisions
    from store.observations as o
    join sorted as c using (series_id, period_start, period_end)
    where o.batch_id < c.batch_id and o.recorded_at <= known_at_time()
    group by all
)
select
    c.* exclude (series_id, ordinal, places), c.value - h.previous_value as change, h.previous_value,
    e.revisions, (select sum(observation_count) from counted)::bigint as row_count
from sorted as c
left join store.holdings as h using (series_id, period_start, period_end)
left join earlier as e using (series_id, period_start, period_end)
order by c.period_end desc, c.period_start desc, c.ordinal, c.places, c.dimensions::varchar
