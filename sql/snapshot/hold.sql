-- What holds as of the variable as_of, kept for the KPI queries: `latest` and `changes` as temporary tables over the views.
-- The tables of the date before go first: while they are there, main.latest means them and not the view.
drop table if exists temp.latest;

drop table if exists temp.changes;

create temp table latest as
select * from main.latest;

create temp table changes as
select * from main.changes;
