-- kpi: cpas_coverage_ratio
-- title: Missions that use CPAS
-- description: Missions that use CPAS, the Comprehensive Planning and Performance Assessment System, over missions that said whether they do.
-- unit: ratio  better: higher  priority: innovation_data_and_technology
-- labels: mission
-- inputs: cpas_in_use
with answers as (
    select value
    from latest
    where indicator = 'cpas_in_use'
        and mission <> 'ALL'
        and value is not null
),
figures as (
    select 'ALL' as mission, count(*) filter (where value = 1) / nullif(count(*), 0) as value
    from answers
)
select mission, value
from figures
where value is not null
