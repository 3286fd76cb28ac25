-- A period does not fit the frequency of its indicator.
with defined as (
    select indicator, frequency
    from store.indicators
    where catalogue_version = (select max(catalogue_version) from store.catalogues)
)
select
    s.file_ordinal, s.file_row, 'period_end' as column_name, s.period_start || '..' || s.period_end as value,
    'is not a period of an indicator that is ' || replace(d.frequency, '_', '-') as problem,
    case d.frequency
        when 'annual' then 'use 1 January to 31 December of one year'
        else 'use a reporting cycle: 1 May to 31 October, or 1 November to 30 April'
    end as mend
from staged as s
join defined as d using (indicator)
where s.period_start <= s.period_end
    -- No arithmetic on dates: those that bad_date refuses may lie beyond what it can reach.
    and not case d.frequency
        when 'annual' then day(s.period_start) = 1 and month(s.period_start) = 1
            and day(s.period_end) = 31 and month(s.period_end) = 12 and year(s.period_end) = year(s.period_start)
        when 'half_yearly' then day(s.period_start) = 1 and (
            month(s.period_start) = 5 and year(s.period_end) = year(s.period_start)
            and month(s.period_end) = 10 and day(s.period_end) = 31
            or month(s.period_start) = 11 and year(s.period_end) = year(s.period_start) + 1
            and month(s.period_end) = 4 and day(s.period_end) = 30
        )
        -- A cycle whose dates differ from the half-years (exceptions of cycles.yaml).
        or (s.period_start, s.period_end) in (
            select (period_start, period_end)
            from store.cycles
            where catalogue_version = (select max(catalogue_version) from store.catalogues)
        )
        else true
    end
