-- The validity of observations after a date, cached for the queries of the history of KPIs as a temporary table over the view.
drop table if exists temp.holdings;

create temp table holdings as
select *
from holdings
where (holds_until is null or holds_until > $first::date)
    and ($indicators::varchar[] is null or list_contains($indicators::varchar[], indicator))
