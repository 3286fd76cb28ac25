-- Fill `titles` with the staged names that are the title of an indicator or the full name of a mission. The one row is whether there are any.
create or replace temp table titles as
with indicator_titles as (
    select lower(title) as title, any_value(indicator) as name
    from indicators
    group by all
    having count(*) = 1
),
mission_names as (
    select lower(name) as title, any_value(mission) as name
    from missions
    group by all
    having count(*) = 1
),
unknown_indicators as (
    select distinct indicator as written
    from staged_series
    where indicator not in (select indicator from indicators)
),
unknown_missions as (
    select distinct mission as written
    from staged_series
    where mission not in (select mission from missions)
)
select 'indicator' as kind, u.written, t.name
from unknown_indicators as u
join indicator_titles as t on t.title = lower(u.written)
union all
select 'mission', u.written, n.name
from unknown_missions as u
join mission_names as n on n.title = lower(u.written);

select count(*) > 0 from titles;
