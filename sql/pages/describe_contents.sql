-- One row with counts of the contents of the warehouse, for the requested as-of date and known-at instant.
select
    (select count(*) from indicators) as indicators,
    (select count(distinct indicator) from latest where value is not null) as reported,
    (select count(*) from kpis) as kpis,
    (select count(*) from missions where status <> 'aggregate' and is_open_on(status, opened_on, closed_on, as_of_date())) as missions,
    (select count(*) from observations where period_end <= as_of_date()) as observations,
    (select count(*) from observation_revisions where period_end <= as_of_date() and recorded_at <= known_at_time())
        - (select count(*) from observations where period_end <= as_of_date()) as earlier_revisions,
    (select min(period_start) from observations where period_end <= as_of_date()) as first_day,
    (select max(period_end) from observations where period_end <= as_of_date()) as last_day,
    (select max(recorded_at) from observation_revisions where recorded_at <= known_at_time()) as newest_recorded_at,
    (select max(cycle) from cycles where period_end <= as_of_date()) as cycle,
    (select count(*) from latest where status in ('O', 'L')) as missing,
    (select count(*) from latest where status = 'V') as under_validation,
    -- The ended series of closed missions are not counted.
    (
        select count(*)
        from latest
        where status = 'M' and mission not in (select mission from missions where status = 'closed')
    ) as not_applicable
