-- A row is an indicator in a period that had ended and was due or reported, with the missions that did not report it.
with named as (
    select 'cycle ' || cycle as period, cycle, period_start, period_end
    from cycles
    union all
    select distinct period_start || '/' || period_end, null, period_start, period_end
    from observations
    where (period_start, period_end) not in (select (period_start, period_end) from cycles)
),
reporters as (
    select indicator, period_start, period_end, mission
    from observations
    group by all
    having bool_or(status not in ('M', 'U'))
),
reported as (
    select indicator, period_start, period_end, list(mission) as missions
    from reporters
    group by all
)
select
    c.indicator, i.title, p.title as priority_title, i.priority, n.cycle, name_period(n.cycle, n.period_start, n.period_end) as period,
    n.period_start, n.period_end, c.missions_expected, c.missions_reported,
    list_filter(i.expected_missions, lambda mission: not list_contains(coalesce(r.missions, []), mission)) as missing
from completeness as c
join named as n using (period)
join store.indicators as i using (indicator)
join priorities as p using (priority)
left join reported as r using (indicator, period_start, period_end)
where i.catalogue_version = (select max(catalogue_version) from store.catalogues)
    and n.period_end <= as_of_date()
order by i.ordinal, n.period_end, n.period_start
limit $most
