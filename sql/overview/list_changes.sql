-- A row is a series of an open mission, or of peacekeeping as a whole, that is better or worse than in the previous period: the
-- $max_rows largest relative changes of each kind. place orders them for sentences: periods that end between $cycle_start
-- and $cycle_end first, then by relative change. Counts below 10, which change by chance, and booleans follow the others.
-- Not materialized: storing changes with their dimensions takes longer than reading them twice.
with changed as not materialized (
    -- Copies have the 8 largest of each indicator and mission.
    select * rename (place as group_place)
    from store.largest_changes
    where $max_rows <= 8
    union all by name
    select *, 1 as change_count, 1 as group_place
    from store.judged_changes
    where $max_rows > 8
),
-- Sorting every change by its dimensions would take seconds with 1,000,000 series. Only changes that can be among the first are sorted:
-- a change with a later place in one of the two orders never has a larger score.
scored as not materialized (
    select *, (4 * is_newest::integer + 3 - weight) * 4 + relative_change as score
    from (
        select *, coalesce(period_end between $cycle_start and $cycle_end, false) as is_newest
        from changed
    )
),
counted as (
    select
        tone, (sum(change_count) filter (where group_place = 1))::bigint as tone_count,
        list_last(max(relative_change, $max_rows)) as least_change, list_last(max(score, 3)) as least_score
    from scored
    group by tone
)
select
    i.indicator, i.title, i.unit, i.better, i.priority, s.* exclude (indicator, period_start, period_end, change_count, group_place, score),
    name_period(y.cycle, s.period_start, s.period_end) as period, c.tone_count,
    row_number() over (
        partition by tone
        order by is_newest desc, weight, relative_change desc, abs(s.change) desc, i.indicator, s.mission, dimensions::varchar
    ) as place
from scored as s
join counted as c using (tone)
join indicators as i using (indicator)
left join cycles as y on y.period_start = s.period_start and y.period_end = s.period_end
where s.relative_change >= c.least_change or s.score >= c.least_score
qualify row_number() over (
    partition by tone order by relative_change desc, abs(s.change) desc, i.indicator, s.mission, dimensions::varchar
) <= $max_rows or place <= 3
order by relative_change desc, abs(s.change) desc, i.indicator, s.mission, dimensions::varchar
