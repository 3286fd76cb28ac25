-- Record that the file of a feed no longer exists.
insert into store.feeds by name
select * replace ($version as feed_version, null as digest, $now as recorded_at)
from store.newest_feeds
where feed = $feed
