-- How long each observation holds, cached for the queries of a KPI's history as a temporary table over the view.
drop table if exists temp.holdings;

create temp table holdings as
select *
from holdings
