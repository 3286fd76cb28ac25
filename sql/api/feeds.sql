-- A row is a feed of events.
select *, feed as key
from feeds
