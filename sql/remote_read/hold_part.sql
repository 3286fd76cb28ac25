-- Add the validity of the observations in some_revisions.
insert into held
select series_id, holds_from, holds_until, period_end, value, value - previous_value, status
from store.holdings_of('some_revisions');
