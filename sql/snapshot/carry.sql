-- A row is the last value of a series whose newest period has no value.
insert into carried_series
select metric, mission, dimensions, value, period_end, status, source, page, unreported_period_end
from threshold_holdings('ended_metrics')
where unreported_period_end is not null
    and holds_from <= as_of_date() and (holds_until is null or holds_until > as_of_date())
    and (metric, mission, dimensions) not in (select (metric, mission, dimensions) from shown_series)
