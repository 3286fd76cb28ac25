"""Reminders of missions whose reports are overdue: at once after each deadline, and then once a week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from service.access.roles import Right
from service.access.store import AccessStore, Connection, read_time
from service.rounds.grid import CellState, MissionRound, Report
from service.rounds.outbox import Outbox, find_recipients

INTERVAL = timedelta(days=7)
MAX_LISTED = 20


def add_reminders(
    store: AccessStore, outbox: Outbox, cycle: int, closes_on: date | None, rounds: Sequence[MissionRound]
) -> int:
    """Append a message to the contributors of each mission that has overdue reports in an open round; return how many messages.

    `closes_on` is the last day of the round, None if it does not close.
    """
    if not outbox.is_enabled:
        return 0
    today = store.clock().date()
    added = 0
    for entry in rounds:
        overdue = [report for report in entry.reports if report.state == CellState.OVERDUE]
        last_day = max(closes_on, entry.exception.until) if closes_on and entry.exception else closes_on
        if not overdue or (last_day is not None and last_day < today):
            continue
        with store.write() as connection:
            if not _is_due(connection, store, cycle, entry.mission, overdue):
                continue
            recipients = find_recipients(connection, Right.SUBMIT, entry.mission)
            messages = outbox.add(
                connection, recipients, _write_subject(cycle, entry.mission, overdue),
                _write_text(cycle, entry, overdue, last_day), f"/rounds/{cycle}/{entry.mission}",
            )  # fmt: skip
            if messages:
                # Without a recipient nothing is recorded: a user who is added later is reminded.
                _record(connection, store, cycle, entry.mission, overdue)
            added += messages
    return added


def _is_due(connection: Connection, store: AccessStore, cycle: int, mission: str, overdue: Sequence[Report]) -> bool:
    rows = connection.execute(
        "select due_on, max(at) as at from reminders where cycle = ? and mission = ? group by due_on", [cycle, mission]
    ).fetchall()
    reminded = {row["due_on"] for row in rows}
    if any(report.due_on.isoformat() not in reminded for report in overdue):
        return True
    return store.clock() - max(read_time(row["at"]) for row in rows) >= INTERVAL


def _record(connection: Connection, store: AccessStore, cycle: int, mission: str, overdue: Sequence[Report]) -> None:
    deadlines = sorted({report.due_on.isoformat() for report in overdue})
    now = store.now()
    connection.executemany("insert into reminders values (?, ?, ?, ?)", [[cycle, mission, day, now] for day in deadlines])


def _write_subject(cycle: int, mission: str, overdue: Sequence[Report]) -> str:
    return f"{mission}, cycle {cycle}: {len(overdue)} overdue report{'s' if len(overdue) > 1 else ''}"


def _write_text(cycle: int, entry: MissionRound, overdue: Sequence[Report], last_day: date | None) -> str:
    lines = [f"{entry.mission} has not reported for cycle {cycle}:", ""]
    lines += [f"- {report.title}, due on {report.due_on}" for report in overdue[:MAX_LISTED]]
    if len(overdue) > MAX_LISTED:
        lines.append(f"- and {len(overdue) - MAX_LISTED} more")
    if last_day is not None:
        lines += ["", f"The round closes on {last_day}."]
    lines += ["", "The page has the template to fill in. If a value does not exist, report its status."]
    return "\n".join(lines)
