"""Validation rules of submissions: the header of each file in sql/checks/submission and the query below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from metrics.catalogue import CatalogueError, Definition, Line
from metrics.kpi_file import read_header
from metrics.relations import Importance

# The strategies of DHIS2: a rule is skipped if any of the values that it compares is missing, if all are, or never.
MissingValues = Literal["skip_if_any", "skip_if_all", "never_skip"]


class RuleHeader(Definition):
    """The keys of the comment block of a rule; all are required."""

    title: Line
    severity: Importance
    missing_values: MissingValues
    description: Line
    action: Line


@dataclass(frozen=True)
class ValidationRule:
    """A rule: its query returns a row for each cell that violates it, and `action` is what to do then."""

    rule: str
    title: str
    severity: Importance
    missing_values: MissingValues
    description: str
    action: str
    query: str


def read_rules(directory: Path) -> tuple[ValidationRule, ...]:
    """Return all rules of `directory`, by file name. Raises CatalogueError with all errors, one line each."""
    rules: list[ValidationRule] = []
    faults: list[str] = []
    for file in sorted(directory.glob("*.sql")):
        try:
            header, _, query = read_header(file, RuleHeader)
            rules.append(ValidationRule(file.stem, **header.model_dump(), query=query))
        except CatalogueError as error:
            faults.append(str(error))
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(rules)
