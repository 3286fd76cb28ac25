-- Printed totals that disagree with their parts
select check_name, expected as printed, computed, note
from reconciliation
where not agrees and check_name like 'tpp_%' or not agrees and check_name like 'explosive_%'
order by check_name;
