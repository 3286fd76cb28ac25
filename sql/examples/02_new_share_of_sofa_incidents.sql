-- Longstanding violations of the host agreement, and share of new ones, by mission
select l.mission, l.value as longstanding, s.value as new_share
from kpi_latest as l
left join kpi_latest as s on s.kpi = 'sofa_incidents_new_share' and s.mission = l.mission
where l.kpi = 'sofa_incidents_longstanding'
order by longstanding desc, l.mission;
