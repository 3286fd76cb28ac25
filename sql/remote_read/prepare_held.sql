-- A row of held is an observation with the dates on which it is valid. The view is read from the cache, so it is not stored again.
create or replace temp view held as
select series_id, holds_from, holds_until, period_end, value, value - previous_value as change, status
from store.holdings;

-- A row of selected_series is a series whose values are read; of held, the other rows are for values derived from several series.
create or replace temp view selected_series as
from store.series;
