"""Warnings of a load: implausible values, found by the queries in sql/checks/warnings. A warning never stops a load."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import duckdb

from metrics.poisson import find_poisson_limit
from service.loading.report import LoadWarning
from service.settings import find_in_tree
from service.warehouse.database import Connection, read_rows, read_sql, run_sql

log = logging.getLogger(__name__)
Result = TypeVar("Result")

MAX_SHOWN_WARNINGS = 20
# Reported counts vary more than a Poisson distribution: real growth already exceeds a chance of 1 in 1,000.
RARE_CHANCE = 0.0001
# An event with a higher mean is not rare.
MAX_RARE_MEAN = 1000


@dataclass
class FileWarnings:
    """The first warnings of a file, and their total number."""

    total: int = 0
    shown: list[LoadWarning] = field(default_factory=list)


class WarningRuleFailed(Exception):
    """The SQL of a warning or validation rule failed, which also aborted its transaction."""

    def __init__(self, rules: frozenset[str], reason: str) -> None:
        self.rules = rules
        super().__init__(reason)


def skip_failed_rules(work: Callable[[frozenset[str]], Result]) -> Result:
    """Run `work` with the rules to skip. Run it again without each rule that failed. Return its result.

    DuckDB aborts the whole transaction on an error, so `work` must begin a new one each time.
    """
    skipped: frozenset[str] = frozenset()
    while True:
        try:
            return work(skipped)
        except WarningRuleFailed as error:
            log.error("rule %s failed and is skipped: %s", ", ".join(sorted(error.rules)), error)
            skipped |= error.rules


def find_warnings(cursor: Connection, recorded_at: datetime, skipped: frozenset[str] = frozenset()) -> dict[int, FileWarnings]:
    """Find and record the warnings about the appended rows, in the same transaction. Return those of each file by ordinal.

    Raises WarningRuleFailed: the transaction is then aborted, and can be repeated with the failed rules in `skipped`.
    """
    all_rules = frozenset(file.stem for file in (find_in_tree("sql") / "checks" / "warnings").glob("*.sql"))
    rules = sorted(all_rules - skipped)
    if not rules:
        return {}
    # An error outside the query of a rule fails every rule.
    with blame_rules(all_rules):
        run_sql(cursor, "load/prepare_warnings")
        _find_limits(cursor)
    for rule in rules:
        with blame_rules(frozenset({rule})):
            cursor.execute(
                "insert into found_warnings by name "
                f"select '{rule}' as rule, series_id, period_start, period_end, message "
                f"from ({read_sql(f'checks/warnings/{rule}')})"
            )
    with blame_rules(all_rules):
        (found,) = cursor.execute("select count(*) from found_warnings").fetchone() or (0,)
        if not found:
            return {}
        run_sql(cursor, "load/store_warnings", recorded_at=recorded_at)
        return _list_warnings(cursor)


@contextmanager
def blame_rules(rules: frozenset[str]) -> Iterator[None]:
    """Raise WarningRuleFailed with these rules for an error of DuckDB inside."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise WarningRuleFailed(rules, str(error)) from error


def _find_limits(cursor: Connection) -> None:
    """Fill `poisson_limits` with the highest plausible count of rare events for each mean."""
    means = cursor.execute("select distinct mean from poisson_means where mean <= ?", [MAX_RARE_MEAN]).fetchall()
    for (mean,) in means:
        cursor.execute("insert into poisson_limits values (?, ?)", [mean, find_poisson_limit(mean, RARE_CHANCE)])


def _list_warnings(cursor: Connection) -> dict[int, FileWarnings]:
    files: dict[int, FileWarnings] = {}
    counts = cursor.execute(
        "select file_ordinal, count(*) from store.load_warnings join appended_batches using (batch_id) group by all"
    ).fetchall()
    for ordinal, total in counts:
        files[ordinal] = FileWarnings(total)
    for row in read_rows(run_sql(cursor, "load/list_warnings", limit=MAX_SHOWN_WARNINGS)):
        files[row.pop("file_ordinal")].shown.append(LoadWarning(**row))
    return files
