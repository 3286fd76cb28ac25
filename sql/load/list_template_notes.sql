-- A row is a note on how the template that was staged last was read, in the order of its rows.
with identities as (
    select id
    from template_records
    where kind = 'identity'
),
counts as (
    select
        (select count(*) from identities) as rows,
        (select count(*) from identities semi join (from template_records where kind = 'cell') using (id)) as present,
        (select count(distinct id) from template_cells where written is not null or status is not null) as filled
),
notes as (
    select
        0 as position,
        if(
            exists (from store.catalogues where digest = $catalogue_digest),
            'made with an earlier catalogue; its indicators still exist',
            'made with another catalogue; its indicators exist'
        ) as note
    where $catalogue_digest not in (select digest from store.catalogues where catalogue_version = store.catalogue_version())
    union all
    select 0, filled || ' of ' || rows || ' values filled in'
    from counts
    union all
    select 0, rows - present || ' of ' || rows || ' rows of the template are not in the file'
    from counts
    where present < rows
    union all
    select
        file_row,
        'sheet ''' || sheet || ''', cell ' || $note_letters[list_position($sheets, sheet)] || sheet_row
        || ': the note was not read, because the row has no value and no status'
    from template_cells
    where written is null and status is null
    union all
    select
        file_row,
        'sheet ''' || sheet || ''', cell ' || $value_letters[list_position($sheets, sheet)] || sheet_row || ': '''
        || written || ''' read as ' || if(number = trunc(number) and abs(number) < 1e15, number::bigint::varchar, number::varchar)
    from template_cells
    where value_kind = 'text' and number is not null and chosen is null
)
select note
from notes
order by position, note;
