-- Values that were corrected after they were first recorded
select indicator, mission, dimensions, period_end, list(value order by batch_id) as values, max(recorded_at) as corrected_at
from observation_revisions
group by indicator, mission, dimensions, period_start, period_end
having count(*) > 1
order by corrected_at desc;
