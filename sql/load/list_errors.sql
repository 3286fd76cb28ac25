-- A row is an error to show: its row of a file, the sheet of a file with several, and the known names of an unknown name.
with shown as (
    select *
    from load_errors
    order by file_ordinal, file_row, column_name, problem
    limit $max_errors
)
select
    s.file_ordinal, coalesce(p.sheet_row, s.file_row) as file_row, p.sheet, s.column_name, s.value, s.problem, s.fix, s.unknown_name,
    case s.unknown_kind
        when 'indicator' then (select list(indicator order by indicator) from indicators)
        when 'mission' then (select list(mission order by mission) from missions)
        when 'dimension' then map_keys(i.dimensions)
        when 'value' then i.dimensions[s.dimension]
    end as known_names
from shown as s
left join store.current_indicators as i on i.indicator = s.indicator
left join staged_places as p on p.file_ordinal = s.file_ordinal and p.file_row = s.file_row
order by s.file_ordinal, s.file_row, s.column_name, s.problem
