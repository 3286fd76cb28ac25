-- The place of a mission in degrees: that of its headquarters. Null if it is not on the map.
alter table store.missions add column latitude double;

alter table store.missions add column longitude double;
