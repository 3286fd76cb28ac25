-- A row is an indicator, KPI, mission, priority, cycle, note, page or term in which each of $terms (lower case) occurs, the best match
-- first: the same name, then a name that starts with the terms, then a name with all of them, then a text with all of them.
-- $help are pages and terms that the warehouse does not have.
with noted as (
    select
        o.indicator, o.note, min(o.mission) as mission, count(distinct o.mission) as missions, max(o.period_end) as period_end
    from observations as o
    where o.note is not null
    group by o.indicator, o.note
),
entries as (
    select 1 as kind_order, 'Indicator' as kind, indicator as name, title, description as text, ['/indicators', indicator] as path
    from store.current_indicators
    union all by name
    select 2 as kind_order, 'KPI' as kind, kpi as name, title, description as text, ['/indicators', kpi] as path
    from kpis
    union all by name
    select
        if(status = 'closed', 8, 3) as kind_order, if(status = 'closed', 'Closed mission', 'Mission') as kind,
        mission as name, mission || ' – ' || name as title, location as text, ['/missions', mission] as path
    from store.current_missions
    union all by name
    select 4 as kind_order, 'Priority' as kind, priority as name, title, null as text, ['/priorities', priority] as path
    from priorities
    union all by name
    select
        5 as kind_order, 'Cycle' as kind, 'cycle ' || cycle as name,
        'Document of cycle ' || cycle as title, strftime(period_start, '%-d %b %Y') || ' to ' || strftime(period_end, '%-d %b %Y') as text,
        ['/cycles', cycle::varchar] as path
    from cycles
    where period_end <= as_of_date()
    union all by name
    select 6 as kind_order, h.kind, h.name, h.title, h.text, h.path
    from (select unnest($help::struct(kind varchar, name varchar, title varchar, text varchar, path varchar[])[]) as h)
    union all by name
    select
        7 as kind_order, 'Note' as kind, null as name,
        i.title || if(n.missions = 1, ', ' || n.mission, '') as title, n.note as text, ['/indicators', i.indicator] as path
    from noted as n
    join store.current_indicators as i using (indicator)
),
folded as (
    select
        *,
        array_to_string($terms::varchar[], ' ') as phrase,
        -- The title of a note is that of its indicator, which has an entry of its own.
        if(kind = 'Note', '', lower(coalesce(name, ''))) as folded_name,
        if(kind = 'Note', '', lower(title)) as folded_title,
        concat_ws(' ', folded_name, folded_title, lower(text)) as folded_text
    from entries
),
ranked as (
    select
        *,
        case
            when phrase in (folded_name, folded_title) then 1
            when starts_with(folded_name, phrase) or starts_with(folded_title, phrase) then 2
            when list_bool_and(list_transform($terms::varchar[], lambda term: contains(folded_name || ' ' || folded_title, term))) then 3
            when list_bool_and(list_transform($terms::varchar[], lambda term: contains(folded_text, term))) then 4
        end as rank
    from folded
)
select kind, name, title, text, path, count(*) over () as found
from ranked
where rank is not null
order by rank, kind_order, title, text
limit $max_rows
