-- kpi: cpas_coverage_ratio
-- title: Missions that use CPAS
-- description: Missions that use CPAS, the Comprehensive Planning and Performance Assessment System, over missions that reported whether they do. Covers the missions with a value in the newest period that any mission reported.
-- unit: ratio  better: higher  priority: innovation_data_and_technology  maximum: 1
-- labels: mission
-- inputs: cpas_in_use
with answers as (
    select mission, value
    from latest
    where indicator = 'cpas_in_use'
        and mission <> 'ALL'
        and value is not null
    qualify is_newest_period(period_start, period_end)
),
figures as (
    select 'ALL' as mission, count(*) filter (where value = 1) / nullif(count(*), 0) as value, list(mission) as missions
    from answers
)
select mission, value, missions
from figures
where value is not null
