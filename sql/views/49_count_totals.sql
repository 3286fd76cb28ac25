-- Counts of events over all missions, which existed at different times.
create or replace view store.count_totals as
select
    o.indicator, o.dimensions, o.period_start, o.period_end, sum(o.value) as value, if(bool_or(o.status = 'P'), 'P', 'A') as status,
    count(*) as missions
from main.observations as o
join store.current_indicators as i using (indicator)
where i.counted_from is not null and o.mission <> 'ALL' and o.value is not null
group by all;

comment on view store.count_totals is 'A row is the sum of a count of events over the missions that have one for the period.';
