-- What holds as of the variable as_of, kept for the KPI queries: `latest` and `changes` as temporary tables over the views.
create or replace temp table latest as
select * from main.latest;

create or replace temp table changes as
select * from main.changes;
