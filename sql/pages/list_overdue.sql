-- A row is a group of indicators whose newest period ended on one day, and of which the next is overdue (a4p_indicator_overdue_after_seconds).
with newest as (
    select i.indicator, i.title, i.frequency, i.ordinal, max(l.period_end) as period_end
    from latest as l
    join store.indicators as i using (indicator)
    where i.catalogue_version = (select max(catalogue_version) from store.catalogues)
    group by all
),
timed as (
    select n.*, n.period_end + (d.overdue_after_seconds // 86400)::integer as overdue_since
    from newest as n
    join store.deadlines as d using (indicator)
)
select
    frequency, period_end, overdue_since,
    list({'indicator': indicator, 'title': title} order by ordinal) as indicators
from timed
where as_of_date() > overdue_since
group by all
order by overdue_since, frequency
