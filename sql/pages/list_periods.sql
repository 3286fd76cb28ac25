-- A row is an observation of an indicator, the newest first, with the change since the previous period and the replaced revisions.
with chosen as (
    select series_id, indicator, mission, dimensions
    from store.series
    where indicator = $indicator and ($mission is null or mission = $mission)
),
current as (
    select *
    from store.current_revisions
    where series_id in (select series_id from chosen) and period_end <= as_of_date()
),
-- Only the rows of the newest periods and first missions are sorted: an indicator can have 1,000,000 observations.
counted as (
    select c.period_end, c.period_start, s.mission, m.ordinal, count(*) as row_count
    from current as c
    join chosen as s using (series_id)
    left join store.current_missions as m using (mission)
    group by all
),
shown as (
    select period_end, period_start, mission, ordinal
    from counted
    qualify sum(row_count) over (order by period_end desc, period_start desc, ordinal, mission) - row_count < $max_rows
),
newest as (
    select c.*, s.indicator, s.mission, s.dimensions, w.ordinal
    from current as c
    join chosen as s using (series_id)
    join shown as w using (period_end, period_start, mission)
),
sorted as (
    select
        c.indicator, c.mission, c.dimensions, c.* exclude (indicator, mission, dimensions, ordinal),
        name_period(y.cycle, c.period_start, c.period_end) as period, c.ordinal,
        list_transform(map_keys(c.dimensions), lambda label: list_position(i.dimensions[label], c.dimensions[label])) as places
    from newest as c
    left join cycles as y using (period_start, period_end)
    left join store.current_indicators as i on i.indicator = c.indicator
    order by c.period_end desc, c.period_start desc, c.ordinal, places, c.dimensions::varchar
    limit $max_rows
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
    e.revisions, (select count(*) from current) as row_count
from sorted as c
left join store.holdings as h using (series_id, period_start, period_end)
left join earlier as e using (series_id, period_start, period_end)
order by c.period_end desc, c.period_start desc, c.ordinal, c.places, c.dimensions::varchar
