-- The current revision of each observation, by number of its series.
create or replace view store.current_revisions as
select *
from store.observations
where rowid in (
    select arg_max(rowid, batch_id)
    from store.observations
    where recorded_at <= known_at_time()
    group by series_id, period_start, period_end
);

comment on view store.current_revisions is 'A row is the current revision of an observation, by number of its series.';

-- How long each observation holds: what `latest` and `changes` say, for every date at once.
-- `revisions` names store.current_revisions, or a table of those of some series.
create or replace macro store.holdings_of(revisions) as table
-- The period before of a cumulative figure starts the same day; of any other it ends the day before (below).
with cumulated as (
    select
        *,
        lag(period_end) over earlier as cumulated_period_end,
        lag(value) over earlier as cumulated_value
    from query_table(revisions)
    window earlier as (partition by series_id, period_start order by period_end)
),
-- Of the periods that end on one day the shortest holds.
shortest as (
    select *
    from cumulated
    qualify row_number() over (partition by series_id, period_end order by period_start desc) = 1
),
timed as (
    select *, lead(period_end) over (partition by series_id order by period_end) as holds_until
    from shortest
)
select
    t.series_id, t.period_start, t.period_end, t.value, t.status, t.source, t.page, t.note, t.batch_id, t.recorded_at,
    t.period_end as holds_from,
    t.holds_until,
    coalesce(t.cumulated_period_end, b.period_end) as previous_period_end,
    if(t.cumulated_period_end is null, b.value, t.cumulated_value) as previous_value
from timed as t
left join shortest as b on b.series_id = t.series_id and b.period_end = t.period_start - 1;

create or replace view store.holdings as
select * from store.holdings_of('store.current_revisions');

comment on view store.holdings is 'A row is an observation that holds on some date, by number of its series.';

create or replace view holdings as
select
    s.indicator, s.mission, s.dimensions, h.period_start, h.period_end, h.value, h.status, h.source, h.page, h.note,
    h.batch_id, h.recorded_at, h.holds_from, h.holds_until, h.previous_period_end, h.previous_value
from store.holdings as h
join store.series as s using (series_id);

comment on view holdings is 'A row is an observation that holds on some date, with the dates as of which it does.';
comment on column holdings.indicator is 'Name of the indicator.';
comment on column holdings.mission is 'Mission, or ALL.';
comment on column holdings.dimensions is 'Disaggregation: dimension name to value; empty where there is none.';
comment on column holdings.period_start is 'First day of the period.';
comment on column holdings.period_end is 'Last day of the period, inclusive.';
comment on column holdings.value is 'The figure in the unit of the indicator; null where the series has ended.';
comment on column holdings.status is 'SDMX OBS_STATUS: A normal, E estimated, P provisional, M missing; U under validation, N not applicable.';
comment on column holdings.source is 'Document the figure comes from.';
comment on column holdings.page is 'Page or section of the document.';
comment on column holdings.note is 'How it was printed or derived, where that is not plain.';
comment on column holdings.batch_id is 'The load that brought it.';
comment on column holdings.recorded_at is 'When it was recorded, UTC.';
comment on column holdings.holds_from is 'First date as of which it holds: the last day of its period.';
comment on column holdings.holds_until is 'First date as of which the next one holds; null while there is none.';
comment on column holdings.previous_period_end is 'Last day of the period before, where one was reported.';
comment on column holdings.previous_value is 'The figure of the period before; null where it has none.';
