-- A row is the current revision of an event.
select
    * replace (write_rfc3339(recorded_at) as recorded_at), concat_ws('|', feed, occurred_on, event_id) as key
from events
where ($feed::varchar[] is null or list_contains($feed::varchar[], feed))
    and ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($kind::varchar[] is null or list_contains($kind::varchar[], kind))
    and ($state::varchar[] is null or list_contains($state::varchar[], state))
    and ($from::date is null or occurred_on >= $from::date)
    and ($to::date is null or occurred_on <= $to::date)
