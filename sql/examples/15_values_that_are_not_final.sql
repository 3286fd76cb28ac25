-- Provisional and estimated values, with the reason
select indicator, mission, status, count(*) as observations, min(note) as note
from latest
where status in ('P', 'E') and mission in ('UNMISS', 'UNISFA')
group by all
order by all;
