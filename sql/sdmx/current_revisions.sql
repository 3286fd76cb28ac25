-- A row is the current revision of an observation.
    select *, null::timestamptz as valid_until
    from store.current_revisions
