-- A row is an error to show: its row of a file, and the known names if the error is an unknown name.
with shown as (
    select *
    from load_errors
    order by file_ordinal, file_row, column_name, problem
    limit $max_errors
)
select
    s.file_ordinal, s.file_row, s.column_name, s.value, s.problem, s.fix, s.unknown_name,
    case s.unknown_kind
        when 'indicator' then (select list(indicator order by indicator) from indicators)
        when 'mission' then (select list(mission order by mission) from missions)
        when 'dimension' then map_keys(i.dimensions)
        when 'value' then i.dimensions[s.dimension]
    end as known_names
from shown as s
left join store.current_indicators as i on i.indicator = s.indicator
order by s.file_ordinal, s.file_row, s.column_name, s.problem
