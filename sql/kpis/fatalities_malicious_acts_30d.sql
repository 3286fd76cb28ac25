-- kpi: fatalities_malicious_acts_30d
-- title: Fatalities due to malicious acts in 30 days
-- description: Peacekeepers who died because of malicious acts in the 30 days until the date, from the events of the public fatality data set. After the newest export the last value is valid for up to 30 days.
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
