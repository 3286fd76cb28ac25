-- Allegations of serious misconduct by year, with changes
select
    year(period_end) as year,
    value as allegations,
    value - lag(value) over (order by period_end) as change
from observations
where indicator = 'serious_misconduct_allegations'
order by year;
