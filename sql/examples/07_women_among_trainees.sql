-- Share of women among trainees, by training
select dimensions['training'] as training, value as share_of_women
from latest
where indicator = 'tpp_trainees_women_ratio'
order by share_of_women desc, training;
