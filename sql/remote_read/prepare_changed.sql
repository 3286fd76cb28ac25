-- As prepare_held.sql, for the series with observations of batches after $batch_id. The status and the age of values are derived from
-- all series of an indicator and mission, so held has those of changed_pairs.
create or replace temp table selected_series as
from store.series
where series_id in (select series_id from store.observations where batch_id > $batch_id);

create or replace temp table changed_pairs as
select distinct indicator, mission
from selected_series;

create or replace temp table held as
select series_id, holds_from, holds_until, period_end, value, value - previous_value as change, status
from store.holdings
where series_id in (select series_id from store.series where (indicator, mission) in (from changed_pairs));
