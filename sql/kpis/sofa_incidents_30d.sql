-- kpi: sofa_incidents_30d
-- title: Incidents against status agreements in 30 days
-- title_fr: Incidents contraires aux accords sur le statut en 30 jours
-- description: Incidents against the status-of-forces or status-of-mission agreement in the 30 days until the date, pending and verified ones, from the events of the incident list. After the newest export the last value is valid for up to 30 days.
-- description_fr: Incidents contraires à l’accord sur le statut des forces ou sur le statut de la mission pendant les 30 jours précédant la date, en attente et vérifiés, d’après les événements de la liste des incidents. Après l’exportation la plus récente, la dernière valeur reste valable jusqu’à 30 jours.
-- unit: count  better: lower  priority: host_country_cooperation
-- labels: mission
-- feed: sofa_incidents  window_days: 30
select mission, sum(events)::double as value
from (
    select mission, 0 as events
    from open_missions
    where host_agreement in ('SOFA', 'SOMA')
    union all
    select mission, 1
    from window_events
    where state <> 'archived'
)
group by mission
