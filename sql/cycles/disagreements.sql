-- A row is a printed figure that differs from the value computed from its parts, in the cycle or a period that overlaps it.
with named as (
    select
        *,
        regexp_extract(check_name, '_cycle_(\d+)$', 1) as cycle,
        try_cast(replace(regexp_extract(check_name, '_(\d{4}_\d{2}_\d{2})_\d{4}_\d{2}_\d{2}$', 1), '_', '-') as date) as window_start,
        try_cast(replace(regexp_extract(check_name, '_\d{4}_\d{2}_\d{2}_(\d{4}_\d{2}_\d{2})$', 1), '_', '-') as date) as window_end
    from reconciliation
    where not agrees
)
select check_name as "check", expected as printed, computed, difference, note
from named
where (cycle = '' or cycle = $cycle::varchar)
    and (window_start is null or (window_start <= $period_end and window_end >= $period_start))
order by check_name
