-- The values that thresholds govern, and breaches. Used for current thresholds and for back-tests.
-- `limits` and `series` name tables or views: of thresholds, and of (metric, mission, dimensions).

-- Every threshold that matches a series. * matches every mission but not ALL.
-- Series are projected on each set of dimensions that thresholds name, so that the match is a hash join for a million of them.
create or replace macro store.matching_thresholds(limits, series) as table
with named as (
    select
        metric, mission as threshold_mission, dimensions as threshold_dimensions, comparison, severity, limit_value, note,
        set_by, recorded_at as set_at,
        list_sort(map_keys(dimensions)) as names,
        list_transform(list_sort(map_keys(dimensions)), lambda name: dimensions[name]) as labels
    from query_table(limits)
),
name_sets as (
    select distinct metric, names
    from named
),
projected as (
    select
        s.metric, s.mission, s.dimensions, n.names,
        list_transform(n.names, lambda name: s.dimensions[name]) as labels
    from (select distinct metric, mission, dimensions from query_table(series)) as s
    join name_sets as n using (metric)
    where list_has_all(map_keys(s.dimensions), n.names)
),
matched as (
    select p.mission, p.dimensions, n.*
    from projected as p
    join named as n
        on n.metric = p.metric and n.threshold_mission = p.mission and n.names = p.names and n.labels = p.labels
    union all
    select p.mission, p.dimensions, n.*
    from projected as p
    join named as n
        on n.metric = p.metric and n.names = p.names and n.labels = p.labels
    where n.threshold_mission = '*' and p.mission <> 'ALL'
)
select
    metric, mission, dimensions, comparison, severity, limit_value, threshold_mission, threshold_dimensions, note, set_by, set_at,
    -- The own threshold of the mission first, then the one with more dimension values, then the later one.
    {'is_own': threshold_mission <> '*', 'size': len(names), 'set_at': set_at, 'names': names} as precedence
from matched;

-- The threshold of each comparison and severity that governs a series: the one with the highest precedence.
create or replace macro governing_thresholds(limits, series) as table
select * exclude precedence
from store.matching_thresholds(limits, series)
qualify row_number() over (partition by metric, mission, dimensions, comparison, severity order by precedence desc) = 1;

comment on macro table governing_thresholds is 'The thresholds that govern each series: one for each comparison and severity.';

-- The values of each series of metrics with thresholds, with their validity. If a value is unreported, the previous one is still
-- compared (docs/decisions/missing-data-and-alerts.md), until a value that is not applicable (M) ends it.
-- `observed` names the view holdings, or a table of those of the metrics in question.
create or replace macro store.threshold_holdings_of(limits, observed) as table
with requested as (
    select distinct metric
    from query_table(limits)
),
held as materialized (
    select i.metric, h.*
    from query_table(observed) as h
    join main.indicators as i using (indicator)
    -- By name: a condition with `or` on the joined rows would read the validity of every observation.
    where h.indicator in (
        select indicator
        from main.indicators
        where metric in (from requested) or 'a4p_indicator_change' in (from requested)
    )
),
computed as (
    select k.metric, v.mission, v.dimensions, v.as_of, v.value
    from store.current_kpi_values as v
    join main.kpis as k using (kpi)
    where k.metric in (from requested)
),
series_values as (
    select
        metric, mission, dimensions, value, period_start, period_end, status, source, page, batch_id, holds_from, holds_until
    from held
    where metric in (from requested)
    union all
    select
        'a4p_indicator_change', mission, map_concat(map {'indicator': indicator}, dimensions), value - previous_value,
        period_start, period_end, status, source, page, batch_id, holds_from, holds_until
    from held
    where 'a4p_indicator_change' in (from requested)
    union all
    select
        metric, mission, dimensions, value, null, as_of, 'A', null, null, null, as_of,
        lead(as_of) over (partition by metric, mission, dimensions order by as_of)
    from computed
),
carried as (
    select
        metric, mission, dimensions, holds_from, holds_until,
        if(value is null, period_end, null) as unreported_period_end,
        last_value(
            case
                when value is not null or status = 'M' then {
                    'value': value, 'period_start': period_start, 'period_end': period_end, 'status': status,
                    'source': source, 'page': page, 'batch_id': batch_id
                }
            end
            ignore nulls
        ) over (partition by metric, mission, dimensions order by holds_from) as compared
    from series_values
)
select
    metric, mission, dimensions, holds_from, holds_until,
    compared.value as value, compared.period_start as period_start, compared.period_end as period_end, compared.status as status,
    compared.source as source, compared.page as page, compared.batch_id as batch_id, unreported_period_end
from carried
where compared.value is not null;

-- Series are selected before they are joined: without a series in question, no validity is read.
create or replace macro threshold_holdings(limits) as table
with requested_series as not materialized (
    select *
    from store.series
    where indicator in (
        select indicator
        from main.indicators
        where metric in (select metric from query_table(limits))
            or 'a4p_indicator_change' in (select metric from query_table(limits))
    )
),
requested_holdings as not materialized (
    select s.indicator, s.mission, s.dimensions, h.* exclude (series_id)
    from store.holdings as h
    join requested_series as s using (series_id)
)
from store.threshold_holdings_of(limits, requested_holdings);

comment on macro table threshold_holdings is 'The values of each series of metrics with thresholds, with the dates of their validity.';

create or replace macro store.evaluate_shown(limits, shown) as table
with governing as (
    from governing_thresholds(limits, shown)
)
select
    g.metric, g.mission, g.dimensions, g.comparison, g.severity, g.limit_value, s.value,
    if(g.comparison = 'above', s.value - g.limit_value, g.limit_value - s.value) as excess,
    if(g.comparison = 'above', s.value > g.limit_value, s.value < g.limit_value) as is_breach,
    s.period_start, s.period_end, s.status, s.source, s.page, s.batch_id, s.unreported_period_end,
    s.holds_from, s.holds_until, g.threshold_mission, g.threshold_dimensions, g.note, g.set_by, g.set_at
from query_table(shown) as s
join governing as g using (metric, mission, dimensions);

comment on macro table store.evaluate_shown is 'Every value of `shown` (from threshold_holdings) that thresholds govern, and whether it breaches them.';

create or replace macro evaluate_thresholds(limits) as table
with shown as materialized (
    from threshold_holdings(limits)
)
from store.evaluate_shown(limits, shown);

comment on macro table evaluate_thresholds is 'Every value that thresholds govern, over the whole history, and whether it breaches them.';

-- As evaluate_thresholds, for one date: only its values are compared with thresholds.
create or replace view store.computed_breaches as
with shown as materialized (
    from main.threshold_holdings('store.thresholds_in_force')
    where holds_from <= as_of_date() and (holds_until is null or holds_until > as_of_date())
)
select
    metric, mission, dimensions, comparison, severity, limit_value, value, excess, period_start, period_end, status, source,
    page, batch_id, unreported_period_end, threshold_mission, threshold_dimensions, note, set_by, set_at
from store.evaluate_shown('store.thresholds_in_force', shown)
where is_breach;

comment on view store.computed_breaches is 'A row is as in threshold_breaches, computed from validity and thresholds.';

create or replace view store.stored_breaches as
select
    metric, mission, dimensions, comparison, severity, limit_value, value, excess, period_start, period_end, status, source,
    page, batch_id, unreported_period_end, threshold_mission, threshold_dimensions, note, set_by, set_at
from cache.breaches;

comment on view store.stored_breaches is 'A row is as in threshold_breaches, as of the date of the copy.';

create or replace view threshold_breaches as
from query_table(store.choose_stored('breaches'));

comment on view threshold_breaches is 'A row is a series that breaches a threshold as of the variable as_of (today when unset), known at known_at.';
