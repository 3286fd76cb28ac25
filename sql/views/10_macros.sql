-- The precedence of observations of one series: later period_end, then shorter period, then later batch, as one integer.
-- 20 bits each for two days since 1900 and 24 for the batch. An integer compares 4 times as fast as a struct.
create or replace macro holding_order(period_start, period_end, batch_id) as
    ((period_end - date '1900-01-01')::bigint << 44)
    | ((period_start - date '1900-01-01')::bigint << 24)
    | batch_id::bigint;

-- The as-of date of `latest` and the views built on it.
create or replace macro as_of_date() as coalesce(getvariable('as_of')::date, (now() at time zone 'UTC')::date);

-- The known-at instant of every view of current values. Later corrections are ignored.
create or replace macro known_at_time() as coalesce(getvariable('known_at')::timestamptz, 'infinity'::timestamptz);

-- The readable name of a period: cycle 5, 2023, 30 Apr 2024, Oct 2023–Aug 2024; one of several years by its end, to 30 Apr 2024.
create or replace macro name_period(cycle, period_start, period_end) as
    case
        when cycle is not null then 'cycle ' || cycle
        when period_start = period_end then strftime(period_end, '%-d %b %Y')
        when period_start = date_trunc('year', period_end)::date and period_end + 1 = date_trunc('year', period_end + 1)::date
            then year(period_end)::varchar
        when period_end - period_start > 366 then 'to ' || strftime(period_end, '%-d %b %Y')
        when day(period_start) <> 1 or day(period_end + 1) <> 1
            then strftime(period_start, '%-d %b %Y') || '–' || strftime(period_end, '%-d %b %Y')
        when date_trunc('month', period_start) = date_trunc('month', period_end) then strftime(period_end, '%b %Y')
        else strftime(period_start, '%b %Y') || '–' || strftime(period_end, '%b %Y')
    end;

-- The readable name of a series: its mission, its dimension values, or both.
create or replace macro name_series(mission, dimensions) as
    array_to_string(
        if(mission = 'ALL' and len(map_keys(dimensions)) > 0, [], [mission]) || map_values(dimensions), ', '
    );

-- An instant in RFC 3339 format, in UTC.
create or replace macro write_rfc3339(instant) as strftime(instant at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ');

-- Whether dimensions have all of the requested values, each written name=value.
create or replace macro has_dimensions(dimensions, requested) as
    list_has_all(list_transform(map_entries(dimensions), lambda entry: entry.key || '=' || entry.value), requested);

-- Whether a row is of the newest period among the rows of its query; for `qualify`. Totals over missions use that one period,
-- so that a value carried from an earlier period is never added to newer ones (docs/decisions/totals-over-missions.md).
create or replace macro is_newest_period(period_start, period_end) as
    rank() over (order by period_end desc, period_start desc) = 1;

-- The missions that a total covers, as readable text.
create or replace macro name_base(missions_used, missions_expected) as
    missions_used || ' of ' || missions_expected || if(missions_expected = 1, ' mission', ' missions');

-- Whether two totals, each {missions, expected}, cover different missions. Null, as before the first row, means no missions.
create or replace macro has_other_base(base, other) as
    base.missions is distinct from other.missions or base.expected is distinct from other.expected;
