-- The current definitions: the rows of the newest version of the catalogue, and the newest row of each KPI.
create or replace macro store.catalogue_version() as (select max(catalogue_version) from store.catalogues);

create or replace view store.current_priorities as
select *
from store.priorities
where catalogue_version = store.catalogue_version();

comment on view store.current_priorities is 'A row is a priority of the current catalogue.';

create or replace view store.current_missions as
select *
from store.missions
where catalogue_version = store.catalogue_version();

comment on view store.current_missions is 'A row is a mission of the current catalogue.';

create or replace view store.current_cycle_rule as
select *
from store.cycle_rules
where catalogue_version = store.catalogue_version();

comment on view store.current_cycle_rule is 'The one row is the rule of the cycles in the current catalogue.';

create or replace view store.current_cycle_exceptions as
select *
from store.cycles
where catalogue_version = store.catalogue_version();

comment on view store.current_cycle_exceptions is 'A row is a cycle of the current catalogue that differs from the rule.';

create or replace view store.current_indicators as
select *
from store.indicators
where catalogue_version = store.catalogue_version();

comment on view store.current_indicators is 'A row is an indicator of the current catalogue.';

create or replace view store.dimension_places as
select indicator, entry.key as label, unnest(entry.value) as label_value, generate_subscripts(entry.value, 1) as place
from (select indicator, unnest(map_entries(dimensions)) as entry from store.current_indicators);

comment on view store.dimension_places is 'A row is a dimension value of an indicator, with its place in the catalogue.';

create or replace view store.newest_kpis as
select *
from store.kpis
qualify row_number() over (partition by kpi order by recorded_at desc) = 1;

comment on view store.newest_kpis is 'A row is the newest definition of a KPI; the digest is null if its file no longer exists.';

create or replace view store.kpi_inputs as
select kpi, unnest(inputs) as indicator, len(inputs) as input_count
from store.newest_kpis;

comment on view store.kpi_inputs is 'A row is an indicator that a KPI is computed from; * if it is computed from all.';
