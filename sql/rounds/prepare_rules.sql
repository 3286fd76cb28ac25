-- The definitions that findings are listed by: a row of relation_sides is a side of a relation between indicators (metrics/relations.py).
create or replace temp table relation_sides as
select unnest(from_json($relations::json, '[{
    "relation": "integer", "side": "integer", "kind": "varchar", "severity": "varchar", "note": "varchar", "tolerance": "double",
    "indicator": "varchar", "chosen": "map(varchar, varchar[])", "compared_by": ["varchar"], "combinations": "integer",
    "scope": "varchar"
}]'), recursive := true);

-- A row is a rule to apply: a file in sql/checks/submission (metrics/validation_rules.py).
create or replace temp table finding_rules as
select unnest(from_json($rules::json, '[{
    "rule": "varchar", "severity": "varchar", "missing_values": "varchar", "action": "varchar"
}]'), recursive := true);
