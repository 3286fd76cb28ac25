-- A period does not fit the frequency of its indicator.
with rule as (
    select months, year(period_start) * 12 + month(period_start) as first_month
    from store.current_cycle_rule
),
-- The cycles of one year, in a year without 29 February.
starts as (
    select months, make_date(2022, month, 1) as period_start
    from rule, (select unnest(range(1, 13))::integer as month)
    where (month - first_month) % months = 0
),
cycles_of_year as (
    select
        string_agg(
            strftime(period_start, '%-d %B') || ' to ' || strftime((period_start + to_months(months))::date - 1, '%-d %B'),
            ', or ' order by period_start
        ) as listed
    from starts
)
select
    s.file_ordinal, s.file_row, 'period_end' as column_name, s.period_start || '..' || s.period_end as value,
    'is not a period of an indicator that is ' || replace(d.frequency, '_', '-') as problem,
    case d.frequency
        when 'annual' then 'use 1 January to 31 December of one year'
        else 'use a reporting cycle: ' || (select listed from cycles_of_year)
    end as fix
from staged as s
join store.current_indicators as d using (indicator)
where s.period_start <= s.period_end
    -- No arithmetic on dates: dates that bad_date rejects may be out of its range.
    and not case d.frequency
        when 'annual' then day(s.period_start) = 1 and month(s.period_start) = 1
            and day(s.period_end) = 31 and month(s.period_end) = 12 and year(s.period_end) = year(s.period_start)
        when 'half_yearly' then day(s.period_start) = 1 and (
            select
                (year(s.period_start) * 12 + month(s.period_start) - r.first_month) % r.months = 0
                and year(s.period_end) * 12 + month(s.period_end)
                = year(s.period_start) * 12 + month(s.period_start) + r.months - 1
            from rule as r
        )
        and day(s.period_end) = case month(s.period_end)
            when 2 then if(year(s.period_end) % 4 = 0 and (year(s.period_end) % 100 <> 0 or year(s.period_end) % 400 = 0), 29, 28)
            when 4 then 30 when 6 then 30 when 9 then 30 when 11 then 30
            else 31
        end
        -- A cycle whose dates differ from the rule (exceptions of cycles.yaml).
        or (s.period_start, s.period_end) in (select (period_start, period_end) from store.current_cycle_exceptions)
        else true
    end
