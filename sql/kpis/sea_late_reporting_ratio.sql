-- kpi: sea_late_reporting_ratio
-- title: Sexual exploitation and abuse reported over a year late
-- title_fr: Exploitation et atteintes sexuelles signalées avec plus d’un an de retard
-- short_title: SEA reported over a year late
-- short_title_fr: EAS signalées avec plus d’un an de retard
-- description: Allegations whose incident lies more than one year before the report (printed as Other) over all allegations of the calendar year, unknown dates included; no value while one of the 4 dates of incident is missing.
-- description_fr: Allégations dont les faits remontent à plus d’un an avant le rapport (publiées comme Autre) rapportées à toutes les allégations de l’année civile, dates inconnues comprises ; pas de valeur tant que l’une des 4 dates des faits manque.
-- unit: ratio  better: lower  priority: accountability_of_peacekeepers  maximum: 1
-- labels: mission
-- inputs: sea_allegations_by_incident_date
with years as (
    select sum(value) filter (where dimensions['incident_date'] = 'Other') as late_allegations, sum(value) as allegations
    from latest
    where indicator = 'sea_allegations_by_incident_date'
        and mission = 'ALL'
        and dimensions['incident_date'] in ('Current year', 'Previous year', 'Other', 'Unknown')
        and value is not null
    group by period_start, period_end
    having count(*) = 4
),
figures as (
    select 'ALL' as mission, late_allegations / nullif(allegations, 0) as value
    from years
)
select mission, value
from figures
where value is not null
