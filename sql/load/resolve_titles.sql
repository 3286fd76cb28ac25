-- Give each staged row whose indicator or mission is in `titles` the name that the catalogue has for it.
update staged
set indicator = t.name
from titles as t
where t.kind = 'indicator' and t.written = staged.indicator;

update staged
set mission = t.name
from titles as t
where t.kind = 'mission' and t.written = staged.mission;
