-- Append the computed KPI values that differ from the recorded ones, and null if a value can no longer be computed.
insert into store.kpi_values by name
with recorded as (
    select
        kpi, mission, dimensions, as_of, arg_max_null(value, computed_at) as value,
        arg_max_null({'missions': missions, 'expected': missions_expected}, computed_at) as base
    from store.kpi_values
    where kpi in (select kpi from kpi_dates)
    group by all
),
dates as (
    select kpi, as_of, bool_or(is_period_end) as is_period_end
    from kpi_dates
    group by all
),
labels as (
    select kpi, mission, dimensions from kpi_computed
    union
    select kpi, mission, dimensions from recorded
),
grid as (
    select
        l.kpi, l.mission, l.dimensions, d.as_of, c.value, d.is_period_end,
        {'missions': c.missions, 'expected': c.missions_expected} as base
    from labels as l
    join dates as d using (kpi)
    left join kpi_computed as c using (kpi, mission, dimensions, as_of)
),
timeline as (
    select kpi, mission, dimensions, as_of, value, base, is_period_end, true as is_computed
    from grid
    union all
    select kpi, mission, dimensions, as_of, value, base, false, false
    from recorded
    where (kpi, as_of) not in (select (kpi, as_of) from dates)
),
followed as (
    select *, lag(value) over series as value_before, lag(base) over series as base_before
    from timeline
    window series as (partition by kpi, mission, dimensions order by as_of)
)
select
    f.kpi, f.mission, f.dimensions, f.as_of, f.value, $computed_at::timestamptz as computed_at,
    f.base.missions as missions, len(f.base.missions)::integer as missions_used, f.base.expected as missions_expected
from followed as f
left join recorded as r using (kpi, mission, dimensions, as_of)
where f.is_computed
    and case
        when r.kpi is not null then f.value is distinct from r.value or has_other_base(f.base, r.base)
        when f.is_period_end and f.value is not null then true
        else f.value is distinct from f.value_before or has_other_base(f.base, f.base_before)
    end;

insert into store.kpi_histories
select kpi, arg_max(digest, recorded_at), (select coalesce(max(batch_id), 0) from store.batches), $computed_at::timestamptz
from store.kpis
where kpi in (select kpi from kpi_dates where is_history)
group by kpi;
