-- Which missions bear the violations that last, and what share of the new ones falls to each?
select l.mission, l.value as longstanding, s.value as new_share
from kpi_latest as l
left join kpi_latest as s on s.kpi = 'sofa_incidents_new_share' and s.mission = l.mission
where l.kpi = 'sofa_incidents_longstanding'
order by longstanding desc, l.mission;
