-- A row is the change by one staged cell: revisions first, then removed, new and unchanged cells, in the order of the files.
-- Runs before the cells are appended, while the newest revision of a cell is still the one that the load replaces.
with judged as (
    select
        s.file_ordinal, s.file_row, s.series_id, s.period_start, s.period_end, s.value, s.status, s.source, s.page, s.note,
        case
            when r.series_id is null then 'new'
            when r.is_unchanged then 'unchanged'
            when r.is_removal then 'removal'
            else 'revision'
        end as kind
    from staged_observations as s
    left join recorded_cells as r using (series_id, period_start, period_end)
),
picked as materialized (
    select *
    from judged
    where kind <> 'unchanged' or $with_unchanged
    order by list_position(['revision', 'removal', 'new', 'unchanged'], kind), file_ordinal, file_row
    limit $limit
),
replaced as (
    select
        o.series_id, o.period_start, o.period_end,
        arg_max(
            {'value': o.value, 'status': o.status, 'source': o.source, 'page': o.page, 'note': o.note}, o.batch_id
        ) as previous
    from store.observations as o
    semi join picked using (series_id, period_start, period_end)
    group by all
)
select
    p.file_ordinal, p.kind, n.indicator, n.mission, n.dimensions,
    name_period(c.cycle, p.period_start, p.period_end) as period, p.period_start, p.period_end, p.note,
    p.value, p.status, r.previous.value as previous_value, r.previous.status as previous_status,
    if(
        p.kind in ('revision', 'removal'),
        list_filter(
            [
                if(p.value is distinct from r.previous.value, 'value', null),
                if(p.status <> r.previous.status, 'status', null),
                if(p.source <> r.previous.source, 'source', null),
                if(p.page is distinct from r.previous.page, 'page', null),
                if(p.note is distinct from r.previous.note, 'note', null)
            ],
            lambda name: name is not null
        ),
        []
    ) as revised_columns
from picked as p
join store.series as n using (series_id)
left join cycles as c using (period_start, period_end)
left join replaced as r using (series_id, period_start, period_end)
order by list_position(['revision', 'removal', 'new', 'unchanged'], p.kind), p.file_ordinal, p.file_row
