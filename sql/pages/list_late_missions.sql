-- A row is an active mission with the half-yearly indicators that it never reported or is a period behind others with.
with half_yearly as (
    select indicator, title, ordinal, expected_missions
    from store.indicators
    where catalogue_version = (select max(catalogue_version) from store.catalogues) and frequency = 'half_yearly'
),
reported as (
    select indicator, mission, max(period_end) as period_end
    from latest
    group by all
),
newest as (
    select indicator, max(period_end) as newest_period_end
    from reported
    group by all
),
expected as (
    select indicator, title, ordinal, unnest(expected_missions) as mission
    from half_yearly
),
late as (
    select e.mission, e.indicator, e.title, e.ordinal, r.period_end
    from expected as e
    join newest as n using (indicator)
    left join reported as r using (indicator, mission)
    where r.period_end is null or n.newest_period_end - r.period_end >= 180
)
select
    m.mission, m.name,
    list({'indicator': l.indicator, 'title': l.title, 'period_end': l.period_end} order by l.ordinal) as indicators
from late as l
join store.missions as m using (mission)
where m.status = 'active' and m.catalogue_version = (select max(catalogue_version) from store.catalogues)
group by all
order by len(indicators) desc, m.mission
