-- Store one version of the catalogue, given as a JSON object of lists ($definitions).
insert into store.catalogues
select $version, $digest, $now;

insert into store.priorities
with rows as (
    select unnest(from_json($definitions::json -> 'priorities', '[{
        "ordinal": "INTEGER", "priority": "VARCHAR", "title": "VARCHAR", "number": "INTEGER", "cross_cutting": "BOOLEAN"
    }]')) as r
)
select $version, r.ordinal, r.priority, r.title, r.number, r.cross_cutting
from rows;

insert into store.missions by name
with rows as (
    select unnest(from_json($definitions::json -> 'missions', '[{
        "ordinal": "INTEGER", "mission": "VARCHAR", "name": "VARCHAR", "location": "VARCHAR",
        "has_political_mandate": "BOOLEAN", "host_agreement": "VARCHAR", "status": "VARCHAR",
        "opened_on": "DATE", "closed_on": "DATE", "interrupted_from": "DATE", "interrupted_until": "DATE",
        "latitude": "DOUBLE", "longitude": "DOUBLE"
    }]')) as r
)
select
    $version as catalogue_version, r.ordinal, r.mission, r.name, r.location, r.has_political_mandate, r.host_agreement, r.status,
    r.opened_on, r.closed_on, r.interrupted_from, r.interrupted_until, r.latitude, r.longitude
from rows;

insert into store.cycle_rules by name
with rows as (
    select unnest(from_json($definitions::json -> 'cycle_rules', '[{
        "cycle": "INTEGER", "period_start": "DATE", "months": "INTEGER", "due_days": "INTEGER"
    }]')) as r
)
select $version as catalogue_version, r.cycle, r.period_start, r.months, r.due_days
from rows;

insert into store.cycles by name
with rows as (
    select unnest(from_json($definitions::json -> 'cycles', '[{
        "ordinal": "INTEGER", "cycle": "INTEGER", "period_start": "DATE", "period_end": "DATE", "due_days": "INTEGER"
    }]')) as r
)
select $version as catalogue_version, r.ordinal, r.cycle, r.period_start, r.period_end, r.due_days
from rows;

insert into store.indicators by name
with rows as (
    select unnest(from_json($definitions::json -> 'indicators', '[{
        "ordinal": "INTEGER", "indicator": "VARCHAR", "title": "VARCHAR", "description": "VARCHAR", "priority": "VARCHAR",
        "unit": "VARCHAR", "better": "VARCHAR", "frequency": "VARCHAR", "source": "VARCHAR", "metric": "VARCHAR",
        "expected_missions": ["VARCHAR"], "dimensions": "MAP(VARCHAR, VARCHAR[])", "minimum": "DOUBLE", "maximum": "DOUBLE",
        "whole": "BOOLEAN", "cumulative": "BOOLEAN", "rare_event": "BOOLEAN", "due_days": "INTEGER",
        "counted_from": {
            "feed": "VARCHAR", "conditions": "MAP(VARCHAR, VARCHAR[])", "fields": "MAP(VARCHAR, VARCHAR)",
            "periods": "VARCHAR", "since": "DATE", "provisional_states": ["VARCHAR"]
        }
    }]')) as r
)
select
    $version as catalogue_version, r.ordinal, r.indicator, r.title, r.description, r.priority, r.unit, r.better, r.frequency,
    r.source, r.metric, r.expected_missions, r.dimensions, r.minimum, r.maximum, r.whole, r.cumulative, r.rare_event,
    r.due_days, r.counted_from
from rows;

-- What is cached depends on which indicators are counted from events.
delete from cache.states;
