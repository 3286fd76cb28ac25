"""Validation of a file that is to be submitted: findings of the rules in sql/checks/submission, as if it were loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache

from metrics.relations import Relation
from metrics.validation_rules import ValidationRule, read_rules
from service.loading.report import Finding
from service.loading.warnings import blame_rules
from service.settings import find_in_tree
from service.warehouse.database import Connection, read_objects, run_sql

__all__ = ["MAX_FINDINGS", "Finding", "find_findings", "read_shipped_rules"]

MAX_FINDINGS = 1000
# The names of rules among those of warnings, some of which are equal.
_PREFIX = "submission/"


@cache
def read_shipped_rules() -> tuple[ValidationRule, ...]:
    """Return the rules in sql/checks/submission. Raises CatalogueError with file, line and fix."""
    return read_rules(find_in_tree("sql") / "checks" / "submission")


def find_findings(
    cursor: Connection, relations: Sequence[Relation] = (), skipped: frozenset[str] = frozenset()
) -> tuple[Finding, ...]:
    """Return the first 1,000 findings about the staged cells, high ones first.

    Call it after `append_staged`, in the same transaction, so that the views show the state as if the file were loaded.
    Raises WarningRuleFailed: the transaction is then aborted, and can be repeated with the failed rules in `skipped`.
    """
    rules = [rule for rule in read_shipped_rules() if _PREFIX + rule.rule not in skipped]
    if not rules:
        return ()
    # An error outside the query of a rule fails every rule.
    all_rules = frozenset(_PREFIX + rule.rule for rule in read_shipped_rules())
    with blame_rules(all_rules):
        run_sql(cursor, "rounds/prepare_rules", relations=_write_relations(relations), rules=_write_rules(rules))
        run_sql(cursor, "rounds/prepare_findings")
    for rule in rules:
        with blame_rules(frozenset({_PREFIX + rule.rule})):
            cursor.execute(f"insert into found_findings by name select '{rule.rule}' as rule, * from ({rule.query})")
    with blame_rules(all_rules):
        if cursor.execute("select count(*) from found_findings").fetchone() == (0,):
            return ()
        return tuple(read_objects(run_sql(cursor, "rounds/list_findings", limit=MAX_FINDINGS), Finding))


def _write_relations(relations: Sequence[Relation]) -> str:
    """Return the sides of the relations as JSON rows, numbered in their order."""
    return json.dumps(
        [
            {"relation": number, "side": position, **asdict(side), **_describe(relation)}
            for number, relation in enumerate(relations)
            for position, side in enumerate(relation.sides)
        ]
    )


def _describe(relation: Relation) -> dict[str, object]:
    return {"kind": relation.kind, "severity": relation.severity, "note": relation.note, "tolerance": relation.tolerance}


def _write_rules(rules: Sequence[ValidationRule]) -> str:
    return json.dumps([asdict(rule) for rule in rules])
