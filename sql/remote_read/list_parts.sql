-- A row is a part of the series of an indicator: as many as $part_series, with numbers between the first and the last.
with numbered as (
    select s.indicator, s.series_id, (row_number() over (partition by s.indicator order by s.series_id) - 1) // $part_series as part
    from store.series as s
    where s.indicator in (select indicator from indicators)
)
select i.metric, n.indicator, min(n.series_id), max(n.series_id), count(*)
from numbered as n
join indicators as i using (indicator)
group by i.metric, n.indicator, n.part
order by i.metric, n.part
