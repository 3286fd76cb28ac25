-- A row is the observation of one series in the cycle $period_start..$period_end, with the previous one.
create or replace temp table cycle_observations as
with next_end as (
    select min(period_end) as day
    from store.numbered_cycles
    where period_end > $period_end
),
-- A period that is longer than the cycle belongs to the last cycle that ends within it.
known as (
    select *
    from store.current_revisions
    where period_start <= $period_end and (period_end <= $period_end or period_end < (select day from next_end))
),
current_indicators as (
    select indicator, ordinal, unit, frequency, dimensions as known_dimensions
    from store.current_indicators
),
-- The value valid on the last day of the cycle or, if there is none, of the period over that day which ends first.
chosen as (
    select *
    from known
    qualify row_number() over (
        partition by series_id
        order by period_end > $period_end, abs(period_end - $period_end), period_start desc
    ) = 1
),
changed as (
    select
        s.indicator, s.mission, s.dimensions, c.period_start, c.period_end, c.value, c.status, c.source, c.page, c.note,
        p.previous_period_start as previous_start, p.previous_period_end as previous_end, p.previous_value, p.previous_status,
        c.value - p.previous_value as change,
        (c.period_start, c.period_end) = ($period_start, $period_end) as is_cycle,
        c.period_end > $period_end as runs_on,
        -- A calendar year is the newest one until the next has ended.
        c.period_end < $period_start - if(i.frequency = 'annual', 366, 0) as is_stale
    from chosen as c
    join store.series as s using (series_id)
    join current_indicators as i using (indicator)
    left join store.periods_before(chosen, known) as p using (series_id)
)
select
    f.*,
    array_to_string(map_values(f.dimensions), ', ') as part,
    list_transform(map_keys(f.dimensions), lambda name: list_position(i.known_dimensions[name], f.dimensions[name])) as places,
    name_period(c.cycle, f.period_start, f.period_end) as period,
    name_period(p.cycle, f.previous_start, f.previous_end) as previous_period,
    i.ordinal as indicator_ordinal, m.ordinal as mission_ordinal
from changed as f
join current_indicators as i on i.indicator = f.indicator
join store.current_missions as m on m.mission = f.mission
left join cycles as c on (c.period_start, c.period_end) = (f.period_start, f.period_end)
left join cycles as p on (p.period_start, p.period_end) = (f.previous_start, f.previous_end)
