-- Macros that several KPIs select from. `observed` names the rows of `latest`, of one date or of many. The digest of a KPI covers
-- its own file only: a change of the values of a macro needs a change in the files of its KPIs, so that their history is computed
-- again.

-- Evaluations per unit, by mission and over the missions with both values in the newest period.
create or replace macro store.evaluation_coverage(observed, unit_indicator, evaluation_indicator) as table
with missions_evaluated as (
    select u.mission, u.period_start, u.period_end, e.value as evaluations, u.value as units
    from query_table(observed) as u
    join query_table(observed) as e using (mission, period_start, period_end)
    where u.indicator = unit_indicator
        and e.indicator = evaluation_indicator
        and u.mission <> 'ALL'
        and u.value is not null
        and e.value is not null
),
newest as (
    select mission, evaluations, units
    from missions_evaluated
    qualify is_newest_period(period_start, period_end)
),
with_total as (
    select mission, evaluations, units, null as missions
    from missions_evaluated
    union all
    select 'ALL' as mission, sum(evaluations) as evaluations, sum(units) as units, list(mission) as missions
    from newest
)
select mission, evaluations / nullif(units, 0) as value, missions
from with_total
where evaluations / nullif(units, 0) is not null;

-- The share of missions whose answer is yes, among the missions with an answer in the newest period.
create or replace macro store.share_answering_yes(observed, question) as table
with answers as (
    select mission, value
    from query_table(observed)
    where indicator = question
        and mission <> 'ALL'
        and value is not null
    qualify is_newest_period(period_start, period_end)
),
shares as (
    select 'ALL' as mission, count(*) filter (where value = 1) / nullif(count(*), 0) as value, list(mission) as missions
    from answers
)
select mission, value, missions
from shares
where value is not null;
