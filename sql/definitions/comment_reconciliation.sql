-- The comment of the view reconciliation, which is created from sql/checks/reconciliation.
comment on view reconciliation is 'A row compares a printed total with its parts. Values that disagree are stored as printed.';
