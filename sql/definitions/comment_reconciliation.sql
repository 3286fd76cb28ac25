-- The comment of the view reconciliation, which is made from sql/checks/reconciliation.
comment on view reconciliation is 'A row compares a printed total with its parts; where they disagree, both stay as printed.';
