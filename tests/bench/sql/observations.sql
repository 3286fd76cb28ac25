-- A row is one bench observation: every series in each of so many half-years, the newest from May to October 2024, in random order.
-- Where there are several, one series in ten stopped up to ten years earlier. One observation in fifty is estimated and, but for
-- the newest of a series, one in fifty missing. All comes from hashes: the same in every run.
with cells as (
    select
        (n % $series + 1)::integer as series_id,
        (n // $series)::integer as periods_back,
        hash(n) as draw
    from range($series * $periods) as cells(n)
),
dated as (
    select
        *,
        if($periods > 1 and series_id % 10 = 0, hash(series_id) % 20, 0)::integer as periods_silent,
        (date '2024-05-01' - to_months(6 * (periods_back + periods_silent)))::date as period_start
    from cells
)
select
    series_id,
    period_start,
    (period_start + interval 6 months - interval 1 day)::date as period_end,
    case
        when periods_back > 0 and draw % 50 = 1 then null
        when ((series_id - 1) // $per_indicator) % 2 = 0 then (draw % 100000)::double
        else (draw % 10001) / 10000
    end as value,
    case when draw % 50 = 0 then 'E' when periods_back > 0 and draw % 50 = 1 then 'O' else 'A' end as status,
    'Bench report ' || ((periods_back + periods_silent) // 2) as source,
    'p. ' || (1 + draw % 400) as page,
    null::varchar as note
from dated
order by hash(draw)
