-- A row is a silence, the last to end first.
select
    * replace (
        write_rfc3339(starts_at) as starts_at, write_rfc3339(ends_at) as ends_at, write_rfc3339(recorded_at) as recorded_at
    ),
    format('{:017d}|{}', 99999999999999999 - epoch_us(ends_at), silence_id) as key
from silences
where ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($active_at::timestamptz is null or (starts_at <= $active_at::timestamptz and ends_at > $active_at::timestamptz))
