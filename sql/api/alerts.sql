-- A row is a firing alert, latest start first.
select
    * replace (
        -- Annotations of an alert can contain NaN or infinity.
        if(isfinite(value), value, null) as value, if(isfinite(limit_value), limit_value, null) as limit_value,
        write_rfc3339(starts_at) as starts_at, write_rfc3339(acknowledged_at) as acknowledged_at
    ),
    format('{:017d}|{}', 99999999999999999 - epoch_us(starts_at), fingerprint) as key
from firing_alerts
where ($mission::varchar[] is null or list_contains($mission::varchar[], mission))
    and ($severity::varchar[] is null or list_contains($severity::varchar[], severity))
