-- Store one version of the definition of a feed.
insert into store.feeds by name
select
    $feed as feed, $version as feed_version, $title as title, $description as description, $source as source,
    $licence as licence, $attribution as attribution, $digest as digest, $now as recorded_at
