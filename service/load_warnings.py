"""Warnings of a load: implausible values, found by the queries in sql/checks/warnings, recorded, and never in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from metrics.poisson import find_poisson_limit
from service.load_report import LoadWarning
from service.settings import find_in_tree
from service.warehouse import Connection, read_rows, read_sql, run_sql

SHOWN_WARNINGS = 20
# Reports of events vary more than chance alone: once in 1,000 times is reached by growth that is real.
RARE_CHANCE = 0.0001
# Above it an event is not rare.
HIGHEST_RARE_MEAN = 1000


@dataclass
class FileWarnings:
    """The first warnings of a file, and how many it has."""

    total: int = 0
    shown: list[LoadWarning] = field(default_factory=list)


def find_warnings(cursor: Connection, recorded_at: datetime) -> dict[int, FileWarnings]:
    """Find and record the warnings about what was appended, in its transaction; return those of each file by its ordinal."""
    run_sql(cursor, "load/prepare_warnings")
    _find_limits(cursor)
    for file in sorted((find_in_tree("sql") / "checks" / "warnings").glob("*.sql")):
        cursor.execute(
            "insert into found_warnings by name "
            f"select '{file.stem}' as rule, series_id, period_start, period_end, message "
            f"from ({read_sql(f'checks/warnings/{file.stem}')})"
        )
    (found,) = cursor.execute("select count(*) from found_warnings").fetchone() or (0,)
    if not found:
        return {}
    run_sql(cursor, "load/store_warnings", recorded_at=recorded_at)
    return _list_warnings(cursor)


def _find_limits(cursor: Connection) -> None:
    """Fill `poisson_limits` with the highest count of rare events that chance explains, for each mean."""
    means = cursor.execute("select distinct mean from poisson_means where mean <= ?", [HIGHEST_RARE_MEAN]).fetchall()
    for (mean,) in means:
        cursor.execute("insert into poisson_limits values (?, ?)", [mean, find_poisson_limit(mean, RARE_CHANCE)])


def _list_warnings(cursor: Connection) -> dict[int, FileWarnings]:
    files: dict[int, FileWarnings] = {}
    counts = cursor.execute(
        "select file_ordinal, count(*) from store.load_warnings join appended_batches using (batch_id) group by all"
    ).fetchall()
    for ordinal, total in counts:
        files[ordinal] = FileWarnings(total)
    for row in read_rows(run_sql(cursor, "load/list_warnings", limit=SHOWN_WARNINGS)):
        files[row.pop("file_ordinal")].shown.append(LoadWarning(**row))
    return files
