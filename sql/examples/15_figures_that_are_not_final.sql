-- Which figures are provisional or estimated, and why?
select indicator, mission, status, count(*) as figures, min(note) as note
from latest
where status in ('P', 'E') and mission in ('UNMISS', 'UNISFA')
group by all
order by all;
