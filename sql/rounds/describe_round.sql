-- The one row describes the round of a mission, with the digest of the catalogue.
select
    m.mission, m.name as mission_name, c.cycle, c.period_start, c.period_end,
    (select digest from store.catalogues where catalogue_version = store.catalogue_version()) as catalogue_digest
from missions as m
cross join cycles as c
where m.mission = $mission and c.cycle = $cycle;
