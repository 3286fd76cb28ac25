-- Drop the table of the part that was added last.
drop table if exists temp.some_revisions;
