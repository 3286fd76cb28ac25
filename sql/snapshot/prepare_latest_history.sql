-- The validity of each observation, cached for the queries of the history of KPIs as a temporary table over the view.
drop table if exists temp.holdings;

create temp table holdings as
select *
from holdings
