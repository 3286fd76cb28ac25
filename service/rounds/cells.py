"""The cells of a round: the values that a mission has to report for a cycle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from service.errors import RoundUnknown
from service.names import suggest_names
from service.warehouse.database import Connection, read_objects, run_sql


@dataclass(frozen=True)
class Cell:
    """One value that a mission has to report, with the value of the newest earlier period and the one that is published.

    `previous_*` are None without an earlier observation, `current_*` without a published one.
    """

    indicator: str
    title: str
    description: str
    priority: str
    unit: str
    source: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date
    due_on: date
    previous_value: float | None
    previous_status: str | None
    previous_period: str | None
    current_value: float | None
    current_status: str | None


def list_cells(session: Connection, cycle: int, mission: str) -> list[Cell]:
    """Return the cells of a mission in a cycle, in the order of the catalogue.

    Raises RoundUnknown for a cycle that has not begun, an unknown mission, and one that is not expected to report.
    """
    check_round(session, cycle, mission)
    cells = read_objects(run_sql(session, "rounds/list_cells", cycle=cycle, mission=mission), Cell)
    if not cells:
        raise RoundUnknown(f"no report is expected from {mission} for cycle {cycle}")
    return cells


def check_round(session: Connection, cycle: int, mission: str | None = None) -> None:
    """Raise RoundUnknown for a cycle that has not begun and for an unknown mission."""
    cycles = [number for (number,) in session.execute("select cycle from cycles order by cycle").fetchall()]
    if cycle not in cycles:
        raise RoundUnknown(f"unknown cycle {cycle}. Rounds exist for the cycles {cycles[0]} to {cycles[-1]}")
    missions = [name for (name,) in session.execute("select mission from missions").fetchall()]
    if mission is not None and mission not in missions:
        reporting = session.execute("select mission from missions where status <> 'closed'").fetchall()
        suggestion = suggest_names(mission, missions, f"The missions are {', '.join(name for (name,) in reporting)}.")
        raise RoundUnknown(f"unknown mission {mission[:100]!r}. {suggestion.removesuffix('.')}")
