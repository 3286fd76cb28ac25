-- A value is an outlier in the history of its series: its modified z-score is above 3.5.
-- The score is that of Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): 0.6745 (x - median) / MAD; if the MAD
-- is 0, (x - median) / (1.253314 meanAD). Source: https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm.
-- A value is compared with 5 to 20 earlier values: a median of fewer is not reliable. A Poisson count varies by the square
-- root of its mean, so the spread is at least that, and at least 0.05 for a ratio.
-- The score costs 10 times as much as a standard deviation, so a standard deviation filters out normal values first. Of a
-- series that is loaded with its history in one file, only values far from the mean of the whole series are scored.
-- Does not apply to yes/no and levels, nor to rare events and cumulative values, which have other rules.
with judged as (
    select series_id
    from series_values
    group by series_id
    having count(*) >= 6
        and (
            count(*) filter (where is_loaded) <= 2
            or greatest(max(value) - avg(value), avg(value) - min(value)) > 1.9 * stddev_pop(value)
        )
),
ordered as (
    select
        v.series_id, v.period_start, v.period_end, v.value, v.is_loaded, s.unit,
        row_number() over (partition by v.series_id order by v.period_end, v.period_start) as position,
        count(*) over earlier as earlier_values,
        avg(v.value) over earlier as mean,
        stddev_pop(v.value) over earlier as deviation
    from series_values as v
    join loaded_series as s using (series_id)
    semi join judged using (series_id)
    where s.unit not in ('boolean', 'level') and not coalesce(s.rare_event, false) and not coalesce(s.cumulative, false)
    window earlier as (
        partition by v.series_id order by v.period_end, v.period_start
        rows between 20 preceding and 1 preceding
    )
),
candidates as (
    select *
    from ordered
    where is_loaded and earlier_values >= 5 and abs(value - mean) > 2 * deviation
),
centred as (
    select c.series_id, c.position, median(e.value) as centre
    from candidates as c
    join ordered as e on e.series_id = c.series_id and e.position between c.position - 20 and c.position - 1
    group by all
),
spread as (
    select
        m.series_id, m.position, m.centre,
        median(abs(e.value - m.centre)) / 0.6745 as by_median,
        1.253314 * avg(abs(e.value - m.centre)) as by_mean
    from centred as m
    join ordered as e on e.series_id = m.series_id and e.position between m.position - 20 and m.position - 1
    group by all
),
scored as (
    select
        c.*, p.centre,
        (c.value - p.centre) / greatest(
            if(p.by_median > 0, p.by_median, p.by_mean),
            if(c.unit = 'ratio', 0.05, sqrt(greatest(abs(p.centre), 1)))
        ) as score
    from candidates as c
    join spread as p using (series_id, position)
)
select
    series_id, period_start, period_end,
    format(
        '{:.10g} is far from the {} previous values, whose median is {:.10g} (modified z-score {:.1f}, threshold 3.5)',
        value, earlier_values, centre, score
    ) as message
from scored
where abs(score) > 3.5
