-- A row of held is an observation with the dates on which it is valid.
create or replace temp table held (
    series_id integer, holds_from date, holds_until date, period_end date, value double, change double, status varchar
);
