-- kpi: missions_reporting_ratio
-- title: Missions that reported the indicator
-- title_fr: Missions ayant communiqué l’indicateur
-- description: Missions that reported a value or not applicable for the newest period of the indicator, over the expected missions that were open on its last day. A value that is missing or under validation does not count. An indicator that was never reported has no row.
-- description_fr: Missions ayant communiqué une valeur ou « sans objet » pour la période la plus récente de l’indicateur, rapportées aux missions attendues qui étaient ouvertes à son dernier jour. Une valeur manquante ou en cours de validation ne compte pas. Un indicateur jamais communiqué n’a pas de ligne.
-- unit: ratio  better: higher  priority: all  maximum: 1
-- labels: mission, indicator
-- inputs: *
with newest as (
    select indicator, max(period_end) as period_end
    from latest
    group by indicator
),
reported as (
    select l.indicator, n.period_end, list(distinct l.mission) filter (where l.status not in ('O', 'L', 'V')) as reporters
    from latest as l
    join newest as n on n.indicator = l.indicator and n.period_end = l.period_end
    group by l.indicator, n.period_end
),
figures as (
    select r.indicator, count(*) filter (where list_contains(r.reporters, e.mission)) / count(*) as value
    from reported as r
    join store.expected_missions as e
        on e.indicator = r.indicator and is_open_on(e.status, e.opened_on, e.closed_on, r.period_end)
    group by r.indicator
)
select 'ALL' as mission, indicator, value
from figures
