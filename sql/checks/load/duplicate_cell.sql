-- A cell stands twice in what is loaded: as a duplicate, or with two figures of which only one can be current.
with
-- The order in which dimensions are written does not make another cell.
ordered as (
    select * replace (
        if(cardinality(dimensions) > 1, map_from_entries(list_sort(map_entries(dimensions))), dimensions) as dimensions
    )
    from staged
    where period_start is not null and period_end is not null and dimensions is not null
),
cells as (
    select indicator, mission, dimensions, period_start, period_end
    from ordered
    group by all
    having count(*) > 1
),
repeated as (
    select
        s.*,
        row_number() over cell as occurrence,
        first_value(s.file_row) over cell as first_row,
        first_value(s.file_ordinal) over cell as first_file,
        count(distinct coalesce(s.value::varchar, '') || s.status) over (
            partition by s.indicator, s.mission, s.dimensions, s.period_start, s.period_end
        ) as readings
    from ordered as s
    semi join cells using (indicator, mission, dimensions, period_start, period_end)
    window cell as (
        partition by s.indicator, s.mission, s.dimensions, s.period_start, s.period_end
        order by s.file_ordinal, s.file_row
    )
)
select
    file_ordinal, file_row, 'indicator' as column_name, indicator || ' ' || mission as value,
    case
        when readings = 1 then 'repeats row ' else 'gives another figure for the cell of row ' end
    || first_row || if(first_file = file_ordinal, '', ' of file ' || (first_file + 1)) as problem,
    case when readings = 1 then 'remove one of the two' else 'keep the right one; load a correction as a file of its own' end as fix
from repeated
where occurrence > 1
