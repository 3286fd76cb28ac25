-- Append the totals over common missions that differ from the recorded ones, with a null value if they cannot be computed.
insert into store.kpi_changes by name
with computed as (
    select p.*, c.value as value, b.value as previous_value
    from kpi_common_pairs as p
    left join kpi_common as c using (kpi, mission, dimensions, as_of, missions)
    left join kpi_common as b
        on b.kpi = p.kpi and b.mission = p.mission and b.dimensions = p.dimensions and b.as_of = p.previous_as_of
        and b.missions = p.missions
)
select c.*, $computed_at::timestamptz as computed_at
from computed as c
left join store.common_totals as r using (kpi, mission, dimensions, as_of, previous_as_of)
where r.kpi is null
    or (r.missions, r.value, r.previous_value) is distinct from (c.missions, c.value, c.previous_value)
