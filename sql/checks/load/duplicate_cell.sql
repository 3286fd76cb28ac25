-- A cell occurs twice in the loaded files: as a duplicate, or with two different values.
-- Aggregates instead of a window: DuckDB keeps a whole partition in memory, beyond its limit, and a file may repeat one row.
with
-- The order of dimensions does not matter. Not materialized, because DuckDB 1.5.5 stores every column of every row otherwise.
hashed as not materialized (
    select *, hash(indicator, mission, list_sort(map_entries(dimensions)), period_start, period_end) as cell_hash
    from staged
    where period_start is not null and period_end is not null and dimensions is not null
),
-- Files repeat few cells: grouping all rows by hashes first takes a third of the time of grouping them by dimensions.
repeated_hashes as (
    select cell_hash
    from hashed
    group by cell_hash
    having count(*) > 1
),
suspects as (
    select * replace (
        if(cardinality(dimensions) > 1, map_from_entries(list_sort(map_entries(dimensions))), dimensions) as dimensions
    )
    from hashed
    where cell_hash in (select cell_hash from repeated_hashes)
),
cells as (
    select indicator, mission, dimensions, period_start, period_end
    from suspects
    group by all
    having count(*) > 1
),
repeated as (
    select
        s.indicator, s.mission, s.dimensions, s.period_start, s.period_end,
        min({'file_ordinal': s.file_ordinal, 'file_row': s.file_row}) as first,
        min(coalesce(s.value::varchar, '') || s.status) = max(coalesce(s.value::varchar, '') || s.status) as is_same
    from suspects as s
    semi join cells using (indicator, mission, dimensions, period_start, period_end)
    group by all
)
select
    s.file_ordinal, s.file_row, 'indicator' as column_name, s.indicator || ' ' || s.mission as value,
    case when r.is_same then 'repeats row ' else 'has another value than the same cell in row ' end
    || coalesce(p.sheet_row || ' of sheet ''' || p.sheet || '''', r.first.file_row::varchar)
    || if(r.first.file_ordinal = s.file_ordinal, '', ' of file ' || (r.first.file_ordinal + 1)) as problem,
    case when r.is_same then 'remove one of the two' else 'remove the wrong one; load a correction as a separate file' end as fix
from suspects as s
join repeated as r using (indicator, mission, dimensions, period_start, period_end)
left join staged_places as p on p.file_ordinal = r.first.file_ordinal and p.file_row = r.first.file_row
where {'file_ordinal': s.file_ordinal, 'file_row': s.file_row} <> r.first
