-- A row of held is an observation that holds from a date on: what the history needs of it.
create or replace temp table held (
    series_id integer, holds_from date, holds_until date, period_end date, value double, change double, status varchar
);
