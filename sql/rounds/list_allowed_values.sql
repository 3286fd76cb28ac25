-- A row has the priority of an indicator and the values that it allows.
select i.indicator, p.title as priority_title, i.minimum, i.maximum, i.whole
from store.current_indicators as i
join priorities as p using (priority)
order by i.ordinal;
