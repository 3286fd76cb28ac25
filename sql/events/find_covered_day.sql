-- The last day that the exports of $feed covered, as known at $known_at or the variable known_at; null without an export.
select (max(exported_at) at time zone 'UTC')::date as covered_until
from event_loads
where feed = $feed and recorded_at <= coalesce($known_at::timestamptz, known_at_time())
