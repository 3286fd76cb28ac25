-- Add the thresholds to the samples: one for each series that it governs, and the source of the compared value.
create or replace temp table governed_series as
from shown_series
union all
select metric, mission, dimensions
from carried_series;

create or replace temp table governing as
from governing_thresholds('thresholds', 'governed_series');

-- One map from two lists takes half the time of joining three maps.
insert into samples
select
    'a4p_threshold',
    map(
        list_concat(['metric', 'mission'], map_keys(dimensions), ['comparison', 'severity']),
        list_concat([metric, mission], map_values(dimensions), [comparison, severity])
    ),
    limit_value
from governing;

insert into samples
select 'a4p_unreported_last_value', map_concat(map {'metric': metric, 'mission': mission}, dimensions), value
from carried_series
where (metric, mission, dimensions) in (select (metric, mission, dimensions) from governing);

insert into samples
with held as (
    select *
    from governed_latest
    where value is not null
),
sources as (
    select metric, mission, dimensions, period_end, status, source, page, null::date as unreported_period_end
    from held
    union all
    select 'a4p_indicator_change', mission, map_concat(map {'indicator': indicator}, dimensions), period_end, status, source, page, null
    from held
    where ('a4p_indicator_change', mission, map_concat(map {'indicator': indicator}, dimensions))
        not in (select (metric, mission, dimensions) from carried_series)
    union all
    select metric, mission, dimensions, period_end, status, source, page, unreported_period_end
    from carried_series
),
labelled as (
    select
        metric, mission, dimensions,
        map_from_entries(list_filter(
            [
                {'key': 'period_end', 'value': period_end::varchar},
                {'key': 'status', 'value': status},
                {'key': 'source', 'value': source},
                {'key': 'page', 'value': page},
                {'key': 'unreported_period_end', 'value': unreported_period_end::varchar}
            ],
            lambda label: label.value is not null
        )) as labels
    from sources
)
select 'a4p_threshold_source_info', map_concat(map {'metric': metric, 'mission': mission}, dimensions, labels), 1
from labelled
where (metric, mission, dimensions) in (select (metric, mission, dimensions) from governing);
