-- Append one state of a silence.
insert into store.silences by name
select
    $silence_id as silence_id, $alert as alert, $metric as metric, $mission as mission, $severity as severity,
    $dimensions::map(varchar, varchar) as dimensions, $starts_at::timestamptz as starts_at, $ends_at::timestamptz as ends_at,
    $note as note, $set_by as set_by, $ended_by as ended_by, $alertmanager_id as alertmanager_id,
    $is_delivered as is_delivered, $recorded_at::timestamptz as recorded_at
