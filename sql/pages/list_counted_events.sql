-- A row is an event that an indicator counts, newest first, with the number of its revisions, the kind that it had first, and the number
-- of all such events. $dimensions selects the events of one series; null selects all.
with rule as (
    select counted_from.feed as feed, counted_from.conditions as conditions, counted_from.fields as fields, counted_from.since as since
    from store.current_indicators
    where indicator = $indicator
),
counted as (
    select e.*
    from events as e
    cross join rule as r
    where e.feed = r.feed
        and ($mission::varchar is null or e.mission = $mission)
        and e.occurred_on between greatest(coalesce($first_day::date, r.since), r.since) and least(coalesce($last_day::date, as_of_date()), as_of_date())
        and has_counted_fields(e.kind, e.state, e.attributes, r.conditions)
        and coalesce(list_bool_and(list_transform(
            map_entries($dimensions::map(varchar, varchar)),
            lambda entry: count_field(e.kind, e.state, e.attributes, r.fields[entry.key]) = entry.value
        )), true)
),
chosen as (
    select *, count(*) over () as event_count
    from counted
    order by occurred_on desc, event_id
    limit $max_rows
),
revised as (
    select feed, event_id, count(*) as revisions, arg_min(kind, updated_at) as first_kind
    from event_revisions
    where recorded_at <= known_at_time() and feed in (select feed from rule) and event_id in (select event_id from chosen)
    group by feed, event_id
)
select
    c.feed, c.event_id, c.occurred_on, c.mission, c.kind, c.state, c.attributes, c.event_count, r.revisions, r.first_kind
from chosen as c
join revised as r using (feed, event_id)
order by c.occurred_on desc, c.event_id
