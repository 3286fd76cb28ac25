-- Replaces the reports that new batches changed, and records what the cache includes.
create or replace temp table new_reports as
-- The cached revisions are those of the new batches already, and are sorted by series.
with changed as not materialized (
    select *
    from cache.revisions
    where series_id in (
            select series_id
            from store.series
            where (indicator, mission) in (select (indicator, mission) from store.changed_reports)
        )
        and period_end in (select period_end from store.changed_reports)
)
from store.reports_of_current(changed)
where (indicator, mission, period_start, period_end) in (
    select (indicator, mission, period_start, period_end) from store.changed_reports
);

delete from cache.reports
where (indicator, mission, period_start, period_end) in (
    select (indicator, mission, period_start, period_end) from new_reports
);

insert into cache.reports by name
from new_reports;

delete from cache.states;

insert into cache.states
select coalesce((select max(batch_id) from store.batches), 0), $digest;

drop table new_reports;

drop table changed_series;

drop table if exists some_revisions;
