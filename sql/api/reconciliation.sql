-- A row is a printed total with the total of its parts.
select *, format('{}|{:06d}', check_name, row_number() over (partition by check_name order by note, expected, computed)) as key
from reconciliation
where $agrees::boolean is null or agrees = $agrees
