-- A count of rare events is implausibly high: a Poisson variable of its mean is as high in less than 1 of 10,000 periods.
-- The mean is the daily rate of the earlier values, at least 3 of them, times the days of the period.
select
    m.series_id, m.period_start, m.period_end,
    format(
        '{:.10g} is high for a rare event: the {} previous periods predict {:.1f}, and random variation exceeds {} once in 10,000 periods',
        m.value, m.earlier_values, m.mean, l.highest
    ) as message
from poisson_means as m
join poisson_limits as l using (mean)
where m.value > l.highest
