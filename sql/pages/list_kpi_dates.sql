-- A row is a KPI value with the date from which it is valid, newest first: $max_rows rows after the first $skipped. A null
-- value ends the series. row_count is the number of all rows.
select
    v.*, if(v.value is null, 'O', 'A') as status, c.change, name_base(v.missions_used, v.missions_expected) as base,
    if(c.is_restricted, name_base(c.missions_used, c.missions_expected), null) as change_base, count(*) over () as row_count
from store.current_kpi_values as v
left join store.compared_kpi_values as c
    on c.kpi = v.kpi and c.mission = v.mission and c.dimensions = v.dimensions and c.as_of = v.as_of and c.is_value_before
left join store.current_missions as m on m.mission = v.mission
where v.kpi = $kpi and v.as_of <= as_of_date() and ($mission is null or v.mission = $mission)
order by v.as_of desc, m.ordinal, v.dimensions::varchar
limit $max_rows
offset $skipped
