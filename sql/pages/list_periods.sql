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
-- Only the rows of the newest periods are sorted: an indicator can have 1,000,000 observations.
newest as (
    select *
    from current
    where period_end >= (select min(period_end) from (select period_end from current order by period_end desc limit $max_rows))
),
sorted as (
    select
        s.indicator, s.mission, s.dimensions, c.*,
        name_period(y.cycle, c.period_start, c.period_end) as period, m.ordinal,
        list_transform(map_keys(s.dimensions), lambda label: list_position(i.dimensions[label], s.dimensions[label])) as places
    from newest as c
    join chosen as s using (series_id)
    left join cycles as y using (period_start, period_end)
    left join store.current_missions as m on m.mission = s.mission
    left join store.current_indicators as i on i.indicator = s.indicator
    order by c.period_end desc, c.period_start desc, ordinal, places, s.dimensions::varchar
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
