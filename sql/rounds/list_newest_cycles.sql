-- The cycle that goes on and the two before it: their rounds are on /metrics.
select cycle
from cycles
order by cycle desc
limit 3;
