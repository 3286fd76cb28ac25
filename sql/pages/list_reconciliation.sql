-- A row is a printed total with the total of its parts. Totals that disagree come first.
select check_name, expected, computed, difference, agrees, note
from reconciliation
order by agrees is not false, agrees, check_name
