-- Source of a value, and who loaded it
select o.value, o.source, o.page, o.note, b.file_name.split('/')[-1] as file, b.loaded_by
from observations as o
join batches as b using (batch_id)
where o.indicator = 'sofa_incidents_total' and o.mission = 'MINUSCA';
