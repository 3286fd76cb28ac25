-- kpi: sea_allegations_change_ratio
-- title: Change in sexual exploitation and abuse allegations
-- title_fr: Variation des allégations d’exploitation et d’atteintes sexuelles
-- short_title: Change in SEA allegations
-- short_title_fr: Variation des allégations d’EAS
-- description: Allegations of sexual exploitation and abuse of the calendar year compared with the previous year, each year the sum over its 4 dates of incident; no value while one of them is missing.
-- description_fr: Allégations d’exploitation et d’atteintes sexuelles de l’année civile comparées à l’année précédente, chaque année étant la somme de ses 4 dates des faits ; pas de valeur tant que l’une d’elles manque.
-- unit: ratio  better: lower  priority: accountability_of_peacekeepers
-- labels: mission
-- inputs: sea_allegations_by_incident_date
with years as (
    select sum(value) as allegations, sum(previous_value) as previous_allegations
    from changes
    where indicator = 'sea_allegations_by_incident_date'
        and mission = 'ALL'
        and dimensions['incident_date'] in ('Current year', 'Previous year', 'Other', 'Unknown')
    group by period_start, period_end, previous_period_end
    having count(*) = 4
),
figures as (
    select 'ALL' as mission, (allegations - previous_allegations) / nullif(previous_allegations, 0) as value
    from years
)
select mission, value
from figures
where value is not null
