"""The state of a round: of every cell, every mission, and who acts next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from metrics.languages import mark_message
from service.rounds.submissions import LockException, Submission
from service.rounds.transitions import State, name_next_actor
from service.warehouse.database import Connection, read_rows, run_sql


class CellState(StrEnum):
    """The state of a report in a round, the one that needs most attention first."""

    OVERDUE = "overdue"
    RETURNED = "returned"
    DUE = "due"
    NOT_DUE = "not_due"
    SUBMITTED = "submitted"
    VALIDATED = "validated"
    APPROVED = "approved"
    PUBLISHED = "published"
    NOT_APPLICABLE = "not_applicable"


# The states of a submission that its reports have until they are published. A draft is not visible to others.
VISIBLE = {
    State.SUBMITTED: CellState.SUBMITTED,
    State.VALIDATED: CellState.VALIDATED,
    State.APPROVED: CellState.APPROVED,
    State.RETURNED: CellState.RETURNED,
}
DONE = frozenset({CellState.PUBLISHED, CellState.NOT_APPLICABLE})
_ORDER = list(CellState)


@dataclass(frozen=True)
class Report:
    """An expected report: one indicator of a mission for a period, over all dimensions."""

    mission: str
    indicator: str
    title: str
    priority: str
    period_start: date
    period_end: date
    due_on: date
    state: CellState


@dataclass(frozen=True)
class MissionRound:
    """A mission in a round. `state` is that of its newest open submission, else that of its reports.

    `overdue_days` counts from the earliest deadline that has passed, 0 if none has.
    """

    mission: str
    state: CellState
    due_on: date
    overdue_days: int
    next_actor: str
    reports: tuple[Report, ...]
    submissions: tuple[Submission, ...]
    exception: LockException | None

    @property
    def counts(self) -> Mapping[CellState, int]:
        """The number of reports in each state."""
        return _count(self.reports)

    def count_by_priority(self) -> Mapping[str, Mapping[CellState, int]]:
        """Return the number of reports in each state, by priority."""
        priorities = dict.fromkeys(report.priority for report in self.reports)
        return {name: _count([report for report in self.reports if report.priority == name]) for name in priorities}


def read_reports(session: Connection, cycles: Sequence[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
    """Return the expected reports of each of the cycles, by mission and indicator in the order of the catalogue."""
    by_cycle: dict[int, list[Mapping[str, Any]]] = {cycle: [] for cycle in cycles}
    # One query for all cycles: planning it takes longer than running it.
    for row in read_rows(run_sql(session, "rounds/list_reports", cycles=list(cycles))):
        by_cycle[row["cycle"]].append(row)
    return by_cycle


def judge_round(
    rows: Sequence[Mapping[str, Any]],
    submissions: Sequence[Submission],
    exceptions: Mapping[str, LockException],
    today: date,
) -> list[MissionRound]:
    """Return each mission that is expected to report for a cycle, in the order of the catalogue, from `read_reports`."""
    visible = [submission for submission in submissions if submission.state in VISIBLE]
    # A later submission of the same report replaces the earlier one.
    submitted = {
        (submission.mission, cell.indicator, cell.period_end): VISIBLE[submission.state]
        for submission in visible
        for cell in submission.cells
    }
    by_mission: dict[str, list[Report]] = {}
    for row in rows:
        state = submitted.get((row["mission"], row["indicator"], row["period_end"])) or _judge(row)
        by_mission.setdefault(row["mission"], []).append(
            Report(
                row["mission"], row["indicator"], row["title"], row["priority"], row["period_start"], row["period_end"],
                row["due_on"], state,
            )
        )  # fmt: skip
    rounds = []
    for mission, reports in by_mission.items():
        own = [submission for submission in visible if submission.mission == mission]
        late = [report.due_on for report in reports if report.state == CellState.OVERDUE]
        rounds.append(
            MissionRound(
                mission,
                VISIBLE[own[-1].state] if own else min((report.state for report in reports), key=_ORDER.index),
                min(report.due_on for report in reports),
                (today - min(late)).days if late else 0,
                name_next_actor(own[-1].state, mission) if own else _name_reporter(mission, reports),
                tuple(reports),
                tuple(submission for submission in submissions if submission.mission == mission),
                exceptions.get(mission),
            )
        )
    return rounds


def _judge(row: Mapping[str, object]) -> CellState:
    if row["is_not_applicable"]:
        return CellState.NOT_APPLICABLE
    if row["is_reported"]:
        return CellState.PUBLISHED
    if row["is_overdue"]:
        return CellState.OVERDUE
    return CellState.DUE if row["has_ended"] else CellState.NOT_DUE


REPORTER = mark_message("contributor of {mission}: report")


def _name_reporter(mission: str, reports: Sequence[Report]) -> str:
    if all(report.state in DONE for report in reports):
        return ""
    return REPORTER.format(mission=mission) if any(report.state != CellState.NOT_DUE for report in reports) else ""


def _count(reports: Sequence[Report]) -> Mapping[CellState, int]:
    counted = Counter(report.state for report in reports)
    return {state: counted[state] for state in _ORDER if counted[state]}
