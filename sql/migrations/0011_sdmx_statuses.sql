-- Statuses become codes of SDMX CL_OBS_STATUS: U (under validation) to V, M (missing) to O, N (not applicable) to M. A new table
-- takes the place of the old one, and digests are computed again.
alter table store.observations rename to observations_with_old_statuses;

create table store.observations (
    series_id integer not null,
    period_start date not null,
    period_end date not null,
    value double,
    status varchar not null,
    source varchar not null,
    page varchar,
    note varchar,
    batch_id integer not null,
    recorded_at timestamptz not null
);

insert into store.observations by name
select * replace (translate(status, 'UMN', 'VOM') as status)
from store.observations_with_old_statuses
order by rowid;

drop table store.observations_with_old_statuses;

create or replace table store.batch_digests as
select
    d.batch_id, d.observations, n.digest, d.hash_check
from store.batch_digests as d
join (
    select
        batch_id,
        bit_xor(hash(series_id, period_start, period_end, value, status, source, page, note, batch_id, recorded_at)) as digest
    from store.observations
    group by batch_id
) as n using (batch_id)
order by d.batch_id;
