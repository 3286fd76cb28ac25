"""Retention of dated backups: the newest ones, and the newest of each hour, day, week and month."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.warehouse.backups.names import list_backups


@dataclass(frozen=True)
class Retention:
    """The number of generations to retain of each length. A generation is an hour, day, week or month that has a backup."""

    newest: int = 5
    hours: int = 24
    days: int = 30
    weeks: int = 12
    months: int = 24


# A period without a backup does not count: a service that was stopped for a year loses no backups at its next start.
GENERATIONS: tuple[tuple[str, Callable[[datetime], object]], ...] = (
    ("newest", lambda made_at: made_at),
    ("hours", lambda made_at: (made_at.date(), made_at.hour)),
    ("days", lambda made_at: made_at.date()),
    ("weeks", lambda made_at: made_at.isocalendar()[:2]),
    ("months", lambda made_at: (made_at.year, made_at.month)),
)


def choose_retained(times: Iterable[datetime], retention: Retention) -> set[datetime]:
    """Return the times of the backups to retain: the newest of each of the latest generations of every length."""
    newest_first = sorted(times, reverse=True)
    retained = set(newest_first[:1])
    for length, name_generation in GENERATIONS:
        newest_of: dict[object, datetime] = {}
        for made_at in newest_first:
            newest_of.setdefault(name_generation(made_at), made_at)
        retained.update(list(newest_of.values())[: getattr(retention, length)])
    return retained


def prune_backups(backup_dir: Path, retention: Retention) -> int:
    """Delete the dated backups that are not retained and the files that an interrupted copy left; return how many.

    Files with other names, in `backup_dir` or beside it, are not touched.
    """
    dated = list_backups(backup_dir)
    retained = choose_retained((made_at for made_at, _ in dated), retention)
    return _delete([file for made_at, file in dated if made_at not in retained]) + _delete(
        find_unfinished_copies(backup_dir.parent)
    )


UNFINISHED = ("*.duckdb.*.tmp", "*.duckdb.*.tmp.wal", "*.manifest.json.*.tmp", "*.state.*.tmp")


def find_unfinished_copies(data_dir: Path) -> list[Path]:
    """Return the unfinished files in a data directory that a killed process left."""
    own_mark = f".{os.getpid()}."
    found = [file for pattern in UNFINISHED for file in data_dir.glob(pattern)]
    return [file for file in found if own_mark not in file.name]


def _delete(files: Sequence[Path]) -> int:
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)
