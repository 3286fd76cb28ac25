-- Forget the tables of the part that was added last.
drop table if exists temp.some_observations;

drop table if exists temp.some_revisions;
