"""The state of a mission in each priority, and its place among the other missions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metrics.catalogue import Priority
from metrics.thresholds import SEVERITIES
from metrics.values import judge_change

State = Literal["critical", "warning", "info", "near", "worse", "fine", "unreported", "unexpected"]
Row = Mapping[str, Any]

# Size in pixels of the strip of dots.
STRIP_WIDTH = 220
STRIP_MARGIN = 7.0


@dataclass(frozen=True)
class Standing:
    """The state of a mission in one priority: its most severe finding, and the counts of findings and values."""

    priority: str
    title: str
    state: State
    breaches: int
    near: int
    worse: int
    values: int
    unreported: int


@dataclass(frozen=True)
class Strip:
    """Positions in pixels: the dots of the missions, those with equal values once, the median, and the mission of the page."""

    dots: tuple[float, ...]
    median: float
    own: float | None


def judge_priorities(
    priorities: Sequence[Priority],
    rows: Iterable[Row],
    breaches: Iterable[Row],
    near: Iterable[Row],
    unreported: Iterable[Row],
) -> list[Standing]:
    """Return the state of each priority: breach, near a limit, worse, fine, not reported, or nothing expected.

    All rows are of one mission and have `priority`; `rows` also `value`, `change` and `better`, and `series_count` if a row
    stands for several series; `breaches` also `severity`.
    """
    values, breached, close, missing = (_group(entries) for entries in (rows, breaches, near, unreported))
    standings = []
    for entry in priorities:
        name = entry.priority
        given = [row for row in values.get(name, ()) if row["value"] is not None]
        severities = [row["severity"] for row in breached.get(name, ())]
        worse = sum(row.get("series_count", 1) for row in given if judge_change(row["change"], row["better"]) == "worse")
        state: State
        if severities:
            state = max(severities, key=SEVERITIES.index)
        elif close.get(name):
            state = "near"
        elif worse:
            state = "worse"
        elif given:
            state = "fine"
        else:
            state = "unreported" if missing.get(name) or values.get(name) else "unexpected"
        count = sum(row.get("series_count", 1) for row in given)
        counts = len(severities), len(close.get(name, ())), worse, count, len(missing.get(name, ()))
        standings.append(Standing(name, entry.title, state, *counts))
    return standings


def place_dots(values: Sequence[float], median: float, own: float | None) -> Strip | None:
    """Return the places of values on a strip from the minimum to the maximum, None for fewer than two different values."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low == high:
        return None
    scale = (STRIP_WIDTH - 2 * STRIP_MARGIN) / (high - low)

    def place(value: float) -> float:
        return round(STRIP_MARGIN + (value - low) * scale, 1)

    return Strip(tuple(dict.fromkeys(place(value) for value in values)), place(median), None if own is None else place(own))


def _group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["priority"], []).append(row)
    return groups
