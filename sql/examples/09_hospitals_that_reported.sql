-- Field hospitals that sent reports, and field hospitals with interruptions
select
    h.mission, h.value as hospitals, r.value as reporting, i.value as with_interruptions, i.status
from latest as h
join latest as r on r.indicator = 'hospitals_reporting' and r.mission = h.mission
join latest as i on i.indicator = 'hospitals_with_interruptions' and i.mission = h.mission
where h.indicator = 'hospitals' and h.mission <> 'ALL'
order by h.mission;
