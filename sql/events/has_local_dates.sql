-- The one row is whether the staged export has dates that another dialect can parse.
select coalesce(bool_or(
    occurred_on is null and regexp_full_match(occurred_on_text, '\d{1,2}[./]\d{1,2}[./]\d{4}')
    or updated_at is null and regexp_full_match(updated_at_text, '\d{1,2}[./]\d{1,2}[./]\d{4}')
), false) as has_dates
from staged_events
