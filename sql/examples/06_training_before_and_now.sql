-- How many were trained in each kind of training by the triangular partnership, and how many the cycle before?
select dimensions['training'] as training, previous_value as before, value as now, change
from changes
where indicator = 'tpp_trainees'
order by training;
