-- A row is a printed total beside what its parts come to; those that disagree come first.
select check_name, expected, computed, difference, agrees, note
from reconciliation
order by agrees is not false, agrees, check_name
