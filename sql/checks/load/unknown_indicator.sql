-- A row has an unknown indicator. A title with similar words suggests the indicator.
with unknown as (
    select distinct indicator as written
    from staged_series
    anti join indicators using (indicator)
),
titled as (
    select
        u.written,
        arg_max(i.indicator, jaro_winkler_similarity(lower(i.title), lower(u.written))) as suggested
    from unknown as u
    cross join indicators as i
    where contains(u.written, ' ')
    group by all
)
select
    s.file_ordinal, s.file_row, 'indicator' as column_name, s.indicator as value,
    'is not in the catalogue' as problem,
    'did you mean ' || t.suggested || '?' as fix,
    s.indicator as unknown_name, 'indicator' as unknown_kind
from staged as s
join unknown as u on u.written = s.indicator
left join titled as t using (written)
