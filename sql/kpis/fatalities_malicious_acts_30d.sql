-- kpi: fatalities_malicious_acts_30d
-- title: Fatalities due to malicious acts in 30 days
-- title_fr: Décès dus à des actes de malveillance en 30 jours
-- description: Peacekeepers who died because of malicious acts in the 30 days until the date, from the events of the public fatality data set. After the newest export the last value is valid for up to 30 days.
-- description_fr: Casques bleus morts du fait d’actes de malveillance pendant les 30 jours précédant la date, d’après les événements des données publiques sur les décès. Après l’exportation la plus récente, la dernière valeur reste valable jusqu’à 30 jours.
-- unit: count  better: lower  priority: accountability_to_peacekeepers
-- labels: mission
-- feed: un_fatalities  window_days: 30
select mission, sum(events)::double as value
from (
    select mission, 0 as events
    from open_missions
    union all
    select mission, 1
    from window_events
    where kind = 'Malicious act'
)
group by mission
