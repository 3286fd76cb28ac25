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
    and case d.frequency
        when 'annual' then s.period_start <> date_trunc('year', s.period_start)
            or s.period_end <> s.period_start + interval 1 year - interval 1 day
        when 'half_yearly' then day(s.period_start) <> 1 or month(s.period_start) not in (5, 11)
            or s.period_end <> s.period_start + interval 6 months - interval 1 day
        else false
    end
