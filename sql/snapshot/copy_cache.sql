-- Brings the cache of the earlier copy, attached as `published`, up to date with that of the warehouse: the rows of series and
-- reports with later batches are replaced.
create or replace temp table copied_series as
select distinct series_id
from store.observations
where batch_id > (select max(batch_id) from published.cache.states);

delete from published.cache.revisions where series_id in (from copied_series);

insert into published.cache.revisions by name
select *
from cache.revisions
where series_id in (from copied_series)
order by series_id, period_end, period_start;

delete from published.cache.reports
where (indicator, mission, period_start, period_end) in (
    select (indicator, mission, period_start, period_end)
    from cache.reports
    where batch_id > (select max(batch_id) from published.cache.states)
);

insert into published.cache.reports by name
select *
from cache.reports
where batch_id > (select max(batch_id) from published.cache.states);

delete from published.cache.states;

insert into published.cache.states by name
from cache.states;
