-- A row is a threshold of the bench: for each series one of each comparison and severity, its own limit, most of them not passed.
insert into store.thresholds
select
    i.metric, s.mission, s.dimensions, c.comparison, v.severity,
    if(c.comparison = 'above', 1, 0) * i.high * (0.9 + 0.1 * (hash(s.series_id, v.severity) % 1000) / 1000) as limit_value,
    null, 'the bench', $made_at::timestamptz, false
from store.series as s
join (
    select indicator, metric, if(unit = 'ratio', 1, 1000) as high
    from indicators
) as i using (indicator)
cross join (select unnest(['above', 'below']) as comparison) as c
cross join (select unnest(['info', 'warning', 'critical']) as severity) as v
