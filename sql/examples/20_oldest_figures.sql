-- Oldest current values
select i.title, max(l.period_end) as newest_period, as_of_date() - max(l.period_end) as days_old
from latest as l
join indicators as i using (indicator)
where l.value is not null
group by i.title
order by newest_period, i.title
limit 5;
