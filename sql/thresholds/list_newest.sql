-- A row is a threshold that was ever set: its newest record, and whether a user ever changed it.
select
    metric, mission, dimensions, comparison, severity,
    arg_max_null(limit_value, recorded_at) as limit_value,
    arg_max_null(note, recorded_at) as note,
    bool_or(not coalesce(is_default, false)) as is_touched
from store.thresholds
group by all
