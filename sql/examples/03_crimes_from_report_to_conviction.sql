-- Crimes against peacekeepers from report to conviction, by mission
pivot (
    select mission, kpi, round(value, 2) as value
    from kpi_latest
    where kpi like 'crime_%_ratio'
)
on kpi in (
    'crime_investigation_ratio' as investigated,
    'crime_detention_ratio' as detained,
    'crime_trial_ratio' as tried,
    'crime_conviction_ratio' as convicted
)
using any_value(value)
order by mission;
