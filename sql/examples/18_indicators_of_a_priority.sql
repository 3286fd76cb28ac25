-- Indicators of women, peace and security, with current values
select i.title, i.unit, l.mission, round(l.value, 3) as value, l.period_end
from indicators as i
join latest as l using (indicator)
where i.priority = 'women_peace_and_security'
order by i.title, l.mission;
