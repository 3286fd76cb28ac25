-- Cycles follow a rule, and store.cycles has only those that differ from it; reports have deadlines, missions open and close.
-- A row is the rule of the cycles in one version of the catalogue.
create table store.cycle_rules (
    catalogue_version integer not null,
    cycle integer not null,
    period_start date not null,
    months integer not null,
    due_days integer not null
);

alter table store.cycles add column due_days integer;

alter table store.indicators add column due_days integer;

alter table store.missions add column opened_on date;

alter table store.missions add column closed_on date;
