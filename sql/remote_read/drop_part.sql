-- Drop the table of the last part.
drop table if exists temp.some_revisions;
