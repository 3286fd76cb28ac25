-- A row names an indicator that the catalogue lacks.
select
    s.file_ordinal, s.file_row, 'indicator' as column_name, s.indicator as value,
    'is not in the catalogue' as problem,
    nearest_name(lower(s.indicator), (select list(indicator) from indicators)) as mend
from staged as s
semi join (
    select indicator from staged_series
    anti join indicators using (indicator)
) as unknown on unknown.indicator = s.indicator
