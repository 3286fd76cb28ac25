-- Replace each indicator or mission of staged rows that is in `titles` by its name in the catalogue.
update staged
set indicator = t.name
from titles as t
where t.kind = 'indicator' and t.written = staged.indicator;

update staged
set mission = t.name
from titles as t
where t.kind = 'mission' and t.written = staged.mission;
