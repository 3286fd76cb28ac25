-- A row is an observation of an indicator, the newest first, with the change since the previous period and the replaced revisions.
with known as (
    select *
    from observation_revisions
    where indicator = $indicator and recorded_at <= known_at_time() and period_end <= as_of_date()
        and ($mission is null or mission = $mission)
),
current as (
    select *
    from observations
    where indicator = $indicator and period_end <= as_of_date() and ($mission is null or mission = $mission)
),
earlier as (
    select
        k.mission, k.dimensions, k.period_start, k.period_end,
        list({
            'value': k.value, 'status': k.status, 'source': k.source, 'page': k.page, 'note': k.note,
            'batch_id': k.batch_id, 'recorded_at': k.recorded_at
        } order by k.batch_id desc) as revisions
    from known as k
    join current as c using (mission, dimensions, period_start, period_end)
    where k.batch_id < c.batch_id
    group by all
),
held as (
    select mission, dimensions, period_start, period_end, previous_value
    from holdings
    where indicator = $indicator
)
select
    c.*, name_period(y.cycle, c.period_start, c.period_end) as period, c.value - h.previous_value as change, h.previous_value,
    e.revisions, count(*) over () as row_count
from current as c
left join held as h using (mission, dimensions, period_start, period_end)
left join earlier as e using (mission, dimensions, period_start, period_end)
left join cycles as y using (period_start, period_end)
left join store.current_missions as m on m.mission = c.mission
left join store.current_indicators as i on i.indicator = c.indicator
order by
    c.period_end desc, c.period_start desc, m.ordinal,
    list_transform(map_keys(c.dimensions), lambda label: list_position(i.dimensions[label], c.dimensions[label])), c.dimensions::varchar
limit $max_rows
