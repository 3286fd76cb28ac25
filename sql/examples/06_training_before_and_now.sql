-- Triangular Partnership trainees by training, with the previous cycle
select dimensions['training'] as training, previous_value as before, value as now, change
from changes
where indicator = 'tpp_trainees'
order by training;
