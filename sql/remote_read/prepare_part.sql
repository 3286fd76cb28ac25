-- The series of $indicator with numbers from $first to $last, and their values; with $is_change, their changes.
create or replace temp table part_series as
select
    (row_number() over (order by s.series_id) - 1)::integer as number, s.series_id,
    if($is_change, 'a4p_indicator_change', i.metric) as metric,
    map(
        if($is_change, ['indicator', 'mission'], ['mission']) || map_keys(s.dimensions),
        if($is_change, [s.indicator, s.mission], [s.mission]) || map_values(s.dimensions)
    ) as labels
from store.series as s
join indicators as i using (indicator)
where s.indicator = $indicator and s.series_id between $first and $last;

create or replace temp table part_rows as
select
    n.number, (h.holds_from - date '1970-01-01' + 1)::integer as start,
    coalesce(if($is_change, h.value - h.previous_value, h.value), 'nan'::double) as value
from store.holdings as h
join part_series as n using (series_id)
where h.series_id between $first and $last;
