-- Stages the filled rows of a template, and the errors of its cells, from the records that the process that reads workbooks has
-- written. A row of template_records is a row of the hidden sheet (identity), a row of another sheet (cell), or an error (fault).
create or replace temp table template_records as
select * replace (sheet::integer as sheet, "row"::bigint as "row")
from read_csv(
    $file,
    columns = {
        'kind': 'VARCHAR', 'sheet': 'VARCHAR', 'row': 'VARCHAR', 'id': 'VARCHAR', 'title': 'VARCHAR', 'breakdown': 'VARCHAR',
        'value_kind': 'VARCHAR', 'value': 'VARCHAR', 'status': 'VARCHAR', 'note': 'VARCHAR', 'indicator': 'VARCHAR',
        'dimensions': 'VARCHAR', 'period_start': 'VARCHAR', 'period_end': 'VARCHAR', 'unit': 'VARCHAR',
        'column_name': 'VARCHAR', 'problem': 'VARCHAR', 'fix': 'VARCHAR'
    },
    header = true, delim = ',', quote = '"', escape = '"', auto_detect = false, nullstr = '', strict_mode = true,
    max_line_size = 1048576, compression = 'none', hive_partitioning = false
);

insert into staged_places
select $file_ordinal, row_number() over (order by sheet, "row"), $sheets[sheet + 1], "row"
from (
    select distinct sheet, "row"
    from template_records
    where kind = 'fault' or kind = 'cell' and coalesce(value, status, note) is not null
);

-- A row of template_cells is a filled row, with the identity of its id, and its value as a number where it can be read.
create or replace temp table template_cells as
with texts as (
    select
        p.file_row, p.sheet, p.sheet_row, r.id, r.title, r.breakdown, r.value_kind,
        regexp_replace(r.value, '^[\s\x{a0}\x{202f}]+|[\s\x{a0}\x{202f}]+$', '', 'g') as written,
        trim(r.status) as status, trim(r.note) as note
    from template_records as r
    join staged_places as p
        on p.file_ordinal = $file_ordinal and p.sheet = $sheets[r.sheet + 1] and p.sheet_row = r."row"
    where r.kind = 'cell'
),
identified as (
    select
        t.*, i.indicator, i.dimensions, i.period_start, i.period_end, i.unit, i.title as known_title,
        i.breakdown as known_breakdown,
        if(i.unit = 'ratio' and t.value_kind = 'text', regexp_extract(t.written, '^(.*\d)\s?%$', 1), '') as percentage,
        if(percentage <> '', percentage, t.written) as digits
    from texts as t
    left join template_records as i on i.kind = 'identity' and i.id = t.id
),
formed as (
    select
        *,
        $numbers[list_position($words, unit || ' ' || lower(written))] as chosen,
        regexp_full_match(digits, '[-+]?([1-9]\d{0,2}|\d{1,3}(,\d{3})+),\d{3}(\.\d+)?') as has_comma_groups,
        regexp_full_match(digits, '[-+]?(\d+|\d{1,3}([ \x{a0}\x{202f}]\d{3})+)([.,]\d+)?') as is_number
    from identified
)
select
    *,
    case
        when value_kind = 'number' then try_cast(written as double)
        when value_kind = 'boolean' then if(unit = 'boolean', written::double, null)
        when chosen is not null then chosen
        when is_number and not has_comma_groups
        then try_cast(replace(regexp_replace(digits, '[ \x{a0}\x{202f}]', '', 'g'), ',', '.') as double)
            / if(percentage <> '', 100, 1)
    end as number
from formed;

insert into load_errors by name
with filled as (
    select *, min(file_row) over (partition by id) as first_row
    from template_cells
    where written is not null or status is not null
),
judged as (
    select
        f.*, o.sheet as first_sheet, o.sheet_row as first_sheet_row,
        case
            when f.id is null then 'no id'
            when f.indicator is null then 'unknown id'
            when f.first_row < f.file_row then 'repeated'
            when f.title is not null and f.title <> f.known_title
                or f.breakdown is not null and f.breakdown <> coalesce(f.known_breakdown, '') then 'shifted'
            when f.written is not null and f.number is null and f.has_comma_groups then 'comma'
            when f.written is not null and f.number is null then 'text'
        end as fault
    from filled as f
    join staged_places as o on o.file_ordinal = $file_ordinal and o.file_row = f.first_row
)
select
    $file_ordinal as file_ordinal, file_row,
    case when fault in ('comma', 'text') then 'value' when fault = 'shifted' then 'indicator' else 'id' end as column_name,
    case when fault in ('comma', 'text') then written when fault = 'shifted' then concat_ws(', ', title, breakdown) else id end as value,
    case fault
        when 'no id' then 'is missing in a row with a value'
        when 'unknown id' then 'is not a row of the template of ' || $mission || ', cycle ' || $cycle
        when 'repeated' then 'is also in row ' || first_sheet_row || ' of sheet ''' || first_sheet || ''''
        when 'shifted' then 'is not the row of its id, which is ' || known_title || coalesce(' (' || known_breakdown || ')', '')
        when 'comma' then 'may have a comma as thousands separator or as decimal comma'
        when 'text' then case unit
            when 'boolean' then 'is not yes or no'
            when 'level' then 'is not low, medium or high'
            else 'is not a number'
        end
    end as problem,
    case
        when fault in ('no id', 'unknown id')
        then 'copy the value into the row of its indicator in the template of ' || $mission || ', and delete this row'
        when fault = 'repeated' then 'delete one of the two rows'
        when fault = 'shifted' then 'move whole rows only: download the template again and copy the values into it'
        when fault = 'comma' then 'type digits with a decimal point and no thousands separator'
        when unit in ('boolean', 'level') then 'choose from the list of the cell'
        when unit = 'ratio' then 'type a percentage such as 37 %, or leave the cell empty'
        else 'type digits, or leave the cell empty; choose status O, L, V or M if there is no value'
    end as fix
from judged
where fault is not null
union all by name
select $file_ordinal as file_ordinal, p.file_row, r.column_name, r.value, r.problem, r.fix
from template_records as r
join staged_places as p on p.file_ordinal = $file_ordinal and p.sheet = $sheets[r.sheet + 1] and p.sheet_row = r."row"
where r.kind = 'fault';

insert into staged by name
with parsed as (
    select
        file_row, try(parse_dimensions(dimensions)) as dimensions, try_cast(period_start as date) as period_start,
        try_cast(period_end as date) as period_end
    from template_cells
)
select
    $file_ordinal as file_ordinal, c.file_row, c.indicator, $mission as mission,
    -- Texts of the hidden sheet that the service did not write are errors of the checks.
    p.dimensions, if(p.dimensions is null, c.dimensions, null) as dimensions_text,
    p.period_start, if(p.period_start is null, c.period_start, null) as period_start_text,
    p.period_end, if(p.period_end is null, c.period_end, null) as period_end_text,
    c.number as value,
    -- A choice is a code with its name, such as: E estimated.
    coalesce(
        upper(nullif(regexp_extract(c.status, '^([A-Za-z])( [a-z ]+)?$', 1), '')), c.status, if(c.number is null, '', 'A')
    ) as status,
    $source as source, c.note
from template_cells as c
join parsed as p using (file_row)
anti join load_errors as e on e.file_ordinal = $file_ordinal and e.file_row = c.file_row
where c.written is not null or c.status is not null;
