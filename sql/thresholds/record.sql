-- Set or remove (a null limit) one threshold, a microsecond after the newest record if the clock has not passed it.
insert into store.thresholds
select
    $metric, $mission, $dimensions::map(varchar, varchar), $comparison, $severity, $limit_value::double, $note, $set_by,
    greatest(
        $now::timestamptz,
        (select coalesce(max(recorded_at), '-infinity'::timestamptz) + interval 1 microsecond from store.thresholds)
    ),
    $is_default
