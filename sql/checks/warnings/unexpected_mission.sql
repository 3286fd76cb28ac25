-- A mission that is not expected to report an indicator has a value other than zero.
-- Zero is the same as not applicable: the report prints 0 hospitals for missions without any.
-- A closed mission may still have cumulative values, which cover the time when it was open.
select
    c.series_id, c.period_start, c.period_end,
    s.mission || ' is not expected to report ' || s.indicator as message
from loaded_series as s
join loaded_cells as c using (series_id)
where c.value <> 0 and not is_expected_value(s.indicator, s.mission)
