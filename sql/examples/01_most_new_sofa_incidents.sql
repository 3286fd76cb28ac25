-- Which missions had the most new violations of the host agreement, and which reported none or nothing?
select mission, value, status, note
from latest
where indicator = 'sofa_incidents_new'
order by value desc nulls last, mission;
