-- As prepare_changed.sql, where no earlier snapshot is reused: all rows of `latest` and `changes`.
create or replace temp view changed_latest as
from latest;

create or replace temp view changed_changes as
from changes;
