-- A row is an event with two rows of the same order, so that the current one is ambiguous.
select
    'event ' || event_id || ' of ' || feed || ' has ' || count(*) || ' rows updated at ' || updated_at::varchar
    || ' with the same precedence' as fault
from store.events
group by feed, event_id, updated_at, precedence
having count(*) > 1
