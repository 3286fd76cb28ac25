-- A row compares printed fatalities of a window of several years with the events of the window in the missions of the report: the eleven,
-- and those that closed in the window. Without events of the feed there is no row.
with missions_of_report as (
    select mission
    from missions
    where status = 'active' or mission in ('MINUSMA', 'UNAMID', 'MINUSTAH', 'MINUJUSTH', 'UNOCI', 'UNMIL')
),
printed as (
    select indicator, dimensions['cause'] as cause, period_start, period_end, value
    from observations
    where indicator in ('fatalities_malicious_acts', 'fatalities_by_cause_ratio') and mission = 'ALL' and value is not null
),
deaths as (
    select
        p.indicator, p.cause, p.period_start, p.period_end, p.value,
        count(*) as deaths,
        count(*) filter (
            e.kind = coalesce(p.cause, 'Malicious act') or p.cause = 'Other' and e.kind not in ('Malicious act', 'Illness')
        ) as deaths_of_cause
    from printed as p
    join events as e on e.occurred_on between p.period_start and p.period_end
    where e.feed = 'un_fatalities' and e.mission in (select mission from missions_of_report)
    group by all
)
select
    indicator || coalesce('_' || replace(lower(cause), ' ', '_'), '')
    || '_events_' || strftime(period_start, '%Y_%m_%d') || '_' || strftime(period_end, '%Y_%m_%d') as check_name,
    value as expected,
    if(indicator = 'fatalities_malicious_acts', deaths_of_cause, deaths_of_cause / deaths)::double as computed,
    if(indicator = 'fatalities_malicious_acts', 0, 0.005)::double as tolerance,
    if(
        indicator = 'fatalities_malicious_acts',
        'printed number compared with the events of the public list',
        'printed share compared with the events of the public list; no choice of missions reproduces the three shares'
    ) as note
from deaths
