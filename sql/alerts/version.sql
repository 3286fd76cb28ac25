-- One row that differs after each notification and each acknowledgement: both are only appended.
select
    (select count(*) from store.alerts) as notifications, (select count(*) from store.alert_acknowledgements) as acknowledgements
