-- New violations of the host agreement by mission
select mission, value, status, note
from latest
where indicator = 'sofa_incidents_new'
order by value desc nulls last, mission;
