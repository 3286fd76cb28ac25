-- A row is an indicator whose values or changes have a threshold.
select indicator
from indicators
where metric in (select metric from thresholds) or 'a4p_indicator_change' in (select metric from thresholds)
