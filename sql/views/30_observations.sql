-- Observations with the names of their series: every revision, the current ones, and those known at a time.
create or replace view observation_revisions as
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.observations as o
join store.series as s using (series_id);

comment on view observation_revisions is 'A row is one revision of one observation: its value as recorded at one time.';

create or replace macro observations_known_at(t) as table
select
    s.indicator, s.mission, s.dimensions, o.period_start, o.period_end, o.value, o.status, o.source, o.page, o.note,
    o.batch_id, o.recorded_at
from store.observations as o
join store.series as s using (series_id)
where o.rowid in (
    select arg_max(rowid, batch_id)
    from store.observations
    where recorded_at <= t::timestamptz
    group by series_id, period_start, period_end
);

comment on macro table observations_known_at is 'The observations as they were known at the time t.';

create or replace view observations as
select * from observations_known_at(known_at_time());

comment on view observations is 'A row is one observation: the current revision of one series in one period.';

comment on column observation_revisions.indicator is 'Name of the indicator.';
comment on column observation_revisions.mission is 'Mission, or ALL.';
comment on column observation_revisions.dimensions is 'Disaggregation: dimension name to value; empty where there is none.';
comment on column observation_revisions.period_start is 'First day of the period.';
comment on column observation_revisions.period_end is 'Last day of the period, inclusive.';
comment on column observation_revisions.value is 'The figure in the unit of the indicator; null where the status is M, U or N.';
comment on column observation_revisions.status is 'SDMX OBS_STATUS: A normal, E estimated, P provisional, M missing; U under validation, N not applicable.';
comment on column observation_revisions.source is 'Document the figure comes from.';
comment on column observation_revisions.page is 'Page or section of the document.';
comment on column observation_revisions.note is 'How it was printed or derived, where that is not plain.';
comment on column observation_revisions.batch_id is 'The load that brought it.';
comment on column observation_revisions.recorded_at is 'When it was recorded, UTC.';

comment on column observations.indicator is 'Name of the indicator.';
comment on column observations.mission is 'Mission, or ALL.';
comment on column observations.dimensions is 'Disaggregation: dimension name to value; empty where there is none.';
comment on column observations.period_start is 'First day of the period.';
comment on column observations.period_end is 'Last day of the period, inclusive.';
comment on column observations.value is 'The figure in the unit of the indicator; null where the status is M, U or N.';
comment on column observations.status is 'SDMX OBS_STATUS: A normal, E estimated, P provisional, M missing; U under validation, N not applicable.';
comment on column observations.source is 'Document the figure comes from.';
comment on column observations.page is 'Page or section of the document.';
comment on column observations.note is 'How it was printed or derived, where that is not plain.';
comment on column observations.batch_id is 'The load that brought it.';
comment on column observations.recorded_at is 'When it was recorded, UTC.';
