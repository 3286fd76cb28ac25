-- kpi: sofa_incidents_new_share
-- title: Share of new SOFA or SOMA incidents
-- title_fr: Part des nouveaux incidents SOFA ou SOMA
-- description: New incidents of the mission over those of all missions in the newest period that any of them reported. A mission whose newest value is of an earlier period has no share.
-- description_fr: Nouveaux incidents de la mission rapportés à ceux de toutes les missions à la période la plus récente communiquée par au moins l’une d’elles. Une mission dont la valeur la plus récente porte sur une période antérieure n’a pas de part.
-- unit: ratio  better: neutral  priority: host_country_cooperation  maximum: 1
-- labels: mission
-- inputs: sofa_incidents_new
with incidents as (
    select mission, period_start, period_end, value
    from latest
    where indicator = 'sofa_incidents_new'
        and mission <> 'ALL'
        and value is not null
),
newest as (
    select mission, value
    from incidents
    qualify is_newest_period(period_start, period_end)
),
figures as (
    select mission, value / nullif(sum(value) over (), 0) as value, list(mission) over () as missions
    from newest
)
select mission, value, missions
from figures
where value is not null
