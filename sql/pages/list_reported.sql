-- A row is an indicator with a current value or status.
select distinct indicator as name
from latest
