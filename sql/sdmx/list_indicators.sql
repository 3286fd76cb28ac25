-- A row is an indicator of the catalogue with its frequency as a code of SDMX CL_FREQ.
select indicator as id, title as name, description, sdmx_unit(unit) as unit, sdmx_frequency(frequency) as frequency, dimensions
from store.current_indicators
order by ordinal
