-- The order in which observations of one series hold: later period_end, then shorter period, then later batch, as one integer.
-- 20 bits each for two days since 1900 and 24 for the batch; one integer compares four times as fast as a struct.
create or replace macro holding_order(period_start, period_end, batch_id) as
    ((period_end - date '1900-01-01')::bigint << 44)
    | ((period_start - date '1900-01-01')::bigint << 24)
    | batch_id::bigint;

-- The date that `latest` and the views built on it read as of.
create or replace macro as_of_date() as coalesce(getvariable('as_of')::date, (now() at time zone 'UTC')::date);

-- The instant that every view of current figures is known at; a correction recorded later is not seen.
create or replace macro known_at_time() as coalesce(getvariable('known_at')::timestamptz, 'infinity'::timestamptz);
