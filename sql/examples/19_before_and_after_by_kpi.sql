-- Changes of KPIs of peacekeeping as a whole since the previous cycle
select kpis.title, round(v.value, 3) as change_ratio, kpis.better
from kpi_latest as v
join kpis using (kpi)
where v.mission = 'ALL' and kpis.kpi like '%_change_ratio'
order by abs(v.value) desc;
