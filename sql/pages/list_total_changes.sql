-- A row is the change of one indicator over all missions that have a value in both periods: $max_rows rows after the first $skipped.
-- row_count is the number of all rows.
select
    c.dimensions, c.value, c.previous_value, c.change, name_base(c.missions_used, c.missions_expected) as base,
    name_period(y.cycle, c.period_start, c.period_end) as period, c.previous_period_end,
    count(*) over () as row_count
from store.total_changes as c
left join cycles as y on y.period_start = c.period_start and y.period_end = c.period_end
where c.indicator = $indicator
order by c.dimensions::varchar
limit $max_rows
offset $skipped
