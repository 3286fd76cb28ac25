-- A row is a breach as of the variable as_of, in the order of metrics and missions.
-- Drops the temporary tables that KPIs were computed from: they shadow the views of the same names.
drop table if exists temp.latest;

drop table if exists temp.changes;

drop table if exists temp.holdings;

select metric, mission, dimensions, comparison, severity, limit_value as "limit", value
from threshold_breaches
order by metric, mission, dimensions::varchar, severity, comparison;
