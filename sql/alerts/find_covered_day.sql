-- The last day that the exports of $feed covered at $fired_at; null without an export.
select (max(exported_at) at time zone 'UTC')::date
from event_loads
where feed = $feed and recorded_at <= $fired_at::timestamptz
