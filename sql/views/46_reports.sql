-- The missions expected to report each indicator for each period, and the reports received. Completeness, overdue reports,
-- pages, alerts and the checks of a load use these rules.

-- A mission has to report a period if it was open on the last day. Closed missions without a date are not expected to report.
create or replace macro is_open_on(status, opened_on, closed_on, day) as
    (opened_on is null or opened_on <= day) and if(closed_on is null, status <> 'closed', closed_on >= day);

-- As of a day means its end, so a report is late from the end of the day on which it is due.
create or replace macro is_past_due(due_on) as due_on <= as_of_date();

-- A row is a mission named by the catalogue entry of an indicator, for any period.
create or replace view store.indicator_missions as
select
    i.indicator, i.title, i.ordinal, i.frequency, i.due_days, i.counted_from is not null as is_counted, m.mission,
    m.ordinal as mission_ordinal, m.status, m.opened_on, m.closed_on
from (
    select *, unnest(expected_missions) as mission
    from store.current_indicators
) as i
join store.current_missions as m using (mission);

comment on view store.indicator_missions is 'A row is an indicator and a mission that reports it, or for which the service counts it.';

-- Missions do not report what the service counts from events.
create or replace view store.expected_missions as
select * exclude (is_counted)
from store.indicator_missions
where not is_counted;

comment on view store.expected_missions is 'A row is an indicator and a mission that is expected to report it while it is open.';

-- Whether a value is expected: of a mission that the indicator expects, of ALL (a printed total), or of a closed mission for a
-- cumulative indicator, which covers the time when the mission was open.
create or replace macro is_expected_value(value_indicator, value_mission) as
    (value_indicator, value_mission) in (select (indicator, mission) from store.indicator_missions)
    or value_mission in (select mission from main.missions where status = 'aggregate')
    or value_mission in (select mission from main.missions where status = 'closed')
    and value_indicator in (select indicator from store.current_indicators where cumulative);

-- A row is a period that reports are due for, by frequency: each cycle, and each calendar year with the cycle it ends in.
create or replace view store.reporting_periods as
with calendar as (
    select * from store.cycle_calendar
),
years as (
    select unnest(generate_series(
        (select min(year(period_start)) from calendar), year(as_of_date())
    ))::integer as year
)
select 'half_yearly' as frequency, cycle, period_start, period_end, due_days
from calendar
union all
select 'annual', c.cycle, make_date(y.year, 1, 1), make_date(y.year, 12, 31), r.due_days
from years as y
left join calendar as c on make_date(y.year, 12, 31) between c.period_start and c.period_end
cross join store.current_cycle_rule as r;

comment on view store.reporting_periods is 'A row is a period for which indicators of a frequency are due; a calendar year belongs to the cycle in which it ends.';

-- An indicator is expected from the first reported period; one that was never reported, from its entry in the catalogue.
create or replace view expected_reports as
with first_periods as (
    select g.indicator, min(g.period_end) as first_period_end
    from store.given_reports as g
    join (select distinct indicator, frequency from store.expected_missions) as e using (indicator)
    join store.reporting_periods as p using (frequency, period_start, period_end)
    group by g.indicator
),
catalogued as (
    select i.indicator, min(c.recorded_at at time zone 'UTC')::date as catalogued_on
    from store.indicators as i
    join store.catalogues as c using (catalogue_version)
    group by i.indicator
)
select
    e.indicator, e.mission, p.cycle, p.period_start, p.period_end,
    p.period_end + coalesce(e.due_days, p.due_days) as due_on
from store.expected_missions as e
join store.reporting_periods as p using (frequency)
left join first_periods as f using (indicator)
left join catalogued as c using (indicator)
where is_open_on(e.status, e.opened_on, e.closed_on, p.period_end)
    and p.period_end >= coalesce(f.first_period_end, c.catalogued_on);

comment on view expected_reports is 'A row is a report that is expected: an indicator that a mission has to report for a cycle or calendar year that has begun by the variable as_of.';

create or replace view report_states as
select
    e.indicator, e.mission, e.cycle, e.period_start, e.period_end, e.due_on, coalesce(g.state, 'not reported') as state,
    coalesce(g.state = 'reported', false) as is_reported,
    is_past_due(e.due_on) and coalesce(g.state, 'not reported') in ('not reported', 'missing') as is_overdue
from expected_reports as e
left join store.given_reports as g using (indicator, mission, period_start, period_end);

comment on view report_states is 'A row is an expected report (see expected_reports) with its state; values of an earlier period do not count.';

-- The newest period of each indicator past its deadline. Alerts are about its missing reports.
create or replace view overdue_reports as
select indicator, mission, cycle, period_start, period_end, due_on, state
from report_states
where is_past_due(due_on)
qualify period_end = max(period_end) over (partition by indicator) and is_overdue;

comment on view overdue_reports is 'A row is an overdue report of the newest period of its indicator past the deadline.';

-- The same for all dates at once: a missing report is overdue from its deadline until the deadline of a later period.
create or replace view store.overdue_history as
with states as (
    select *
    from report_states
    where is_past_due(due_on)
),
deadlines as (
    select indicator, period_end, min(due_on) as due_on
    from states
    group by indicator, period_end
),
spells as (
    select
        indicator, period_end,
        coalesce(
            min(due_on) over (
                partition by indicator order by period_end rows between 1 following and unbounded following
            ),
            'infinity'::date
        ) as overdue_until
    from deadlines
)
select s.indicator, i.title, s.mission, s.cycle, s.due_on as overdue_from, p.overdue_until
from states as s
join spells as p using (indicator, period_end)
join main.indicators as i using (indicator)
where s.is_overdue and s.due_on < p.overdue_until;

comment on view store.overdue_history is 'A row is a missing report, with the dates as of which it is in overdue_reports.';

-- Expected and received reports for each indicator and period that has ended or was reported.
create or replace view store.period_completeness as
with expected as (
    select
        indicator, period_start, period_end, count(*) as missions_expected,
        count(*) filter (where is_reported) as missions_reported,
        list(mission order by mission) filter (where not is_reported) as missing
    from report_states
    group by indicator, period_start, period_end
),
-- Irregular indicators, and periods other than those that are due: the expected missions, if any mission reported.
others as (
    select distinct g.indicator, g.period_start, g.period_end
    from store.given_reports as g
    join main.indicators as i using (indicator)
    where (g.indicator, g.period_start, g.period_end) not in (select (indicator, period_start, period_end) from expected)
        and g.indicator not in (select indicator from store.current_indicators where counted_from is not null)
),
counted as (
    select
        p.indicator, p.period_start, p.period_end, count(e.mission) as missions_expected,
        count(e.mission) filter (where g.state = 'reported') as missions_reported,
        list(e.mission order by e.mission) filter (where e.mission is not null and g.state is distinct from 'reported') as missing
    from others as p
    left join store.expected_missions as e
        on e.indicator = p.indicator and is_open_on(e.status, e.opened_on, e.closed_on, p.period_end)
    left join store.given_reports as g
        on g.indicator = p.indicator and g.mission = e.mission and g.period_start = p.period_start and g.period_end = p.period_end
    group by p.indicator, p.period_start, p.period_end
)
select c.cycle, p.*
from (
    select *
    from expected
    where period_end <= as_of_date() or missions_reported > 0
    union all
    from counted
) as p
left join main.cycles as c using (period_start, period_end);

comment on view store.period_completeness is 'A row is as in the view completeness, with the period and the missions that did not report it.';

create or replace view completeness as
select
    coalesce('cycle ' || cycle, period_start || '/' || period_end) as period, indicator, missions_expected, missions_reported
from store.period_completeness;

comment on view completeness is 'A row is an indicator in an ended period for which it was expected or reported.';
