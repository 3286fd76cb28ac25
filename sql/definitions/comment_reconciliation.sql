-- What the columns of the view reconciliation mean; the view itself is made from sql/checks/reconciliation.
comment on view reconciliation is 'A row compares a printed total with its parts; where they disagree, both stay as printed.';
comment on column reconciliation.check_name is 'Name of the comparison.';
comment on column reconciliation.expected is 'The figure as printed.';
comment on column reconciliation.computed is 'The same figure from its parts.';
comment on column reconciliation.difference is 'Computed less expected.';
comment on column reconciliation.agrees is 'Whether they agree, rounding allowed for.';
comment on column reconciliation.note is 'What is compared, and why it may disagree.';
