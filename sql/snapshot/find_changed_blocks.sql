-- A row is an indicator and mission with series whose values differ from those of an earlier snapshot, which had the batches up to
-- $batch_id and was as of $as_of; all indicators and missions if that is null.
create or replace temp table changed_blocks as
select distinct indicator, mission
from store.series
where $batch_id::integer is null
    or series_id in (
        select series_id
        from store.observations
        where batch_id > $batch_id::integer
    )
    or series_id in (
        select series_id
        from store.holdings
        where $as_of::date <> as_of_date()
            and (
                holds_from > least($as_of::date, as_of_date()) and holds_from <= greatest($as_of::date, as_of_date())
                or holds_until > least($as_of::date, as_of_date()) and holds_until <= greatest($as_of::date, as_of_date())
            )
    );
