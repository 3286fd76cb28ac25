-- A row is a warning about a value that a load recorded, newest load first.
select
    * replace (write_rfc3339(recorded_at) as recorded_at),
    format(
        '{:010d}|{:010d}|{}|{}|{}', 9999999999 - batch_id, file_row, rule, indicator, mission
    ) as key
from load_warnings
where $is_current::boolean is null or is_current = $is_current
