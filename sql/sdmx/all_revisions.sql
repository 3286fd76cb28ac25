-- A row is a revision of an observation, with the time of the next one.
    select
        *, lead(recorded_at) over (partition by series_id, period_start, period_end order by batch_id) as valid_until
    from store.observations
    where recorded_at <= known_at_time()
