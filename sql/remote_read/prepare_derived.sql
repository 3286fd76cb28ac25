-- As prepare_held.sql, where only values derived from observations are read, and not those of the series themselves.
create or replace temp view held as
select series_id, holds_from, holds_until, period_end, value, value - previous_value as change, status
from store.holdings;

create or replace temp view selected_series as
from store.series
limit 0;
