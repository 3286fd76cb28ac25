-- Indicators with missing reports in cycle 5
select indicator, missions_expected as expected, missions_reported as reported
from completeness
where period = 'cycle 5' and missions_reported < missions_expected
order by reported / expected, indicator
limit 10;
