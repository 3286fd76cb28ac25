-- A row is a group of indicators whose newest period ended on one day, and of which the next is overdue (as a4p_indicator_overdue_after_seconds says).
with newest as (
    select i.indicator, i.title, i.frequency, i.ordinal, max(l.period_end) as period_end
    from latest as l
    join store.indicators as i using (indicator)
    where i.catalogue_version = (select max(catalogue_version) from store.catalogues) and i.frequency <> 'irregular'
    group by all
),
timed as (
    select *, period_end + 184 + if(frequency = 'annual', 366, 184) as overdue_since
    from newest
)
select
    frequency, period_end, overdue_since,
    list({'indicator': indicator, 'title': title} order by ordinal) as indicators
from timed
where as_of_date() > overdue_since
group by all
order by overdue_since, frequency
