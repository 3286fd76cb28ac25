-- A row is a finding about a cell of the file: high ones first, then in the order of the files and their rows.
select
    f.rule, coalesce(s.severity, r.severity) as severity, n.indicator, n.mission, n.dimensions,
    name_period(c.cycle, f.period_start, f.period_end) as period,
    f.message || coalesce(' (' || s.note || ')', '') as message, r.action,
    coalesce(p.sheet_row, o.file_row) as "row", coalesce(p.sheet, '') as sheet,
    coalesce(s.severity, r.severity) = 'medium' and coalesce(trim(o.note), '') = '' as needs_comment,
    t.file_name
from found_findings as f
join finding_rules as r using (rule)
join staged_observations as o using (series_id, period_start, period_end)
join staged_files as t using (file_ordinal)
left join staged_places as p on p.file_ordinal = o.file_ordinal and p.file_row = o.file_row
join store.series as n using (series_id)
left join cycles as c using (period_start, period_end)
left join (select distinct relation, severity, note from relation_sides) as s using (relation)
where case r.missing_values
    when 'skip_if_any' then f.missing = 0
    when 'skip_if_all' then f.missing < f.expected
    else true
end
order by list_position(['high', 'medium', 'low'], coalesce(s.severity, r.severity)), o.file_ordinal, o.file_row, f.rule, f.message
limit $limit
