-- Allegations of sexual exploitation and abuse by date of incident
select year(period_end) as reported_in, dimensions['incident_date'] as incident_date, value
from observations
where indicator = 'sea_allegations_by_incident_date'
order by reported_in desc, incident_date
limit 8;
